package io.jllm.quant.safetensors;

import io.jllm.quant.DType;
import io.jllm.quant.FormatException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Brings the tensors of packed weights together: of each module one weight, named as that of a module that is not packed. */
final class PackedTensors {
    private static final String QWEIGHT = ".qweight";
    private static final String PACKED = ".weight_packed";
    private static final String WEIGHT = ".weight";
    /** How torchao names the parts of a weight. */
    private static final String QDATA = "._weight_qdata";

    private final Map<String, CheckpointTensor> byName = new HashMap<>();
    private final Set<String> used = new HashSet<>();
    private final Optional<PackedForm> form;

    private PackedTensors(List<CheckpointTensor> tensors, Optional<PackedForm> form) {
        tensors.forEach(t -> byName.put(t.name(), t));
        this.form = form;
    }

    /**
     * The same tensors, those of packed weights as weights.
     *
     * @param form what the configuration says
     * @throws FormatException if a part of a weight is missing, or does not fit the others, or cannot be read
     */
    static List<CheckpointTensor> joined(List<CheckpointTensor> tensors, Optional<PackedForm> form) {
        var packed = new PackedTensors(tensors, form);
        Map<String, CheckpointTensor> made = new HashMap<>();
        tensors.forEach(t -> packed.weight(t).ifPresent(w -> made.put(t.name(), w)));
        var out = new ArrayList<CheckpointTensor>();
        for (CheckpointTensor t : tensors) {
            if (made.containsKey(t.name())) {
                out.add(made.get(t.name()));
            } else if (!packed.used.contains(t.name())) {
                out.add(packed.renamed(t));
            }
        }
        return out;
    }

    /** The weight whose numbers a tensor has; empty if it is no such tensor. */
    private Optional<CheckpointTensor> weight(CheckpointTensor t) {
        String name = t.name();
        if (name.endsWith(".act.scales")) {
            throw t.broken("holds what activations are to be divided by, as AWQ has it for models without gates, which is not computed:"
                    + " use the unquantised model, or a GGUF file of it");
        }
        if (name.endsWith(QWEIGHT)) {
            return Optional.of(switch (form.orElseThrow(() -> unsaid(t))) {
                case PackedForm.Gptq gptq -> GptqWeights.of(module(t, QWEIGHT), gptq);
                case PackedForm.Awq awq -> AwqWeights.of(module(t, QWEIGHT), awq);
                case PackedForm.BitsAndBytes _ -> throw unsaid(t);
            });
        }
        if (name.endsWith(PACKED) && has(t, PACKED, ".weight_shape")) {
            return Optional.of(CompressedWeights.of(module(t, PACKED)));
        }
        if (name.endsWith(PACKED) && has(t, PACKED, ".weight_scale")) {
            return Optional.of(SmallFloats.compressed(module(t, PACKED)));
        }
        if (name.endsWith(QDATA) && isBytes(t)) {
            return Optional.of(SignedNumbers.scaled(module(t, QDATA), "INT8", "_weight_qdata", "_weight_scale", "_weight_zero_point"));
        }
        return name.endsWith(WEIGHT) ? ofWeight(t) : Optional.empty();
    }

    private static FormatException unsaid(CheckpointTensor t) {
        return t.broken("holds packed weights, and config.json has no quantization_config of GPTQ or AWQ that says how");
    }

    private Optional<CheckpointTensor> ofWeight(CheckpointTensor t) {
        for (String state : FourBitFloats.STATES) {
            if (has(t, WEIGHT, "." + state)) {
                PackedModule module = module(t, WEIGHT);
                return Optional.of(FourBitFloats.of(module, t, module.find(state).orElseThrow()));
            }
        }
        if (t.dtype().equals("U8") && has(t, WEIGHT, ".weight_scale") && has(t, WEIGHT, ".weight_scale_2")) {
            return Optional.of(SmallFloats.modelOpt(module(t, WEIGHT)));
        }
        if (isBytes(t) && has(t, WEIGHT, ".SCB")) {
            float threshold = form.map(f -> f instanceof PackedForm.BitsAndBytes b ? b.threshold() : 0f).orElse(0f);
            return Optional.of(SignedNumbers.rowwise(module(t, WEIGHT), threshold));
        }
        if (isBytes(t) && has(t, WEIGHT, ".weight_scale")) {
            return Optional.of(SignedNumbers.scaled(module(t, WEIGHT), "INT8", "weight", "weight_scale", "weight_zero_point"));
        }
        return Optional.empty();
    }

    private boolean has(CheckpointTensor t, String kind, String other) {
        return byName.containsKey(t.name().substring(0, t.name().length() - kind.length()) + other);
    }

    private PackedModule module(CheckpointTensor t, String kind) {
        return new PackedModule(t, kind.substring(1), byName, used);
    }

    private static boolean isBytes(CheckpointTensor t) {
        return t.dtype().equals("I8") && t.values() instanceof CheckpointTensor.Plain(var values) && values.type() == DType.I8;
    }

    /** torchao's 8-bit floats and their scales under the names that others give them. */
    private CheckpointTensor renamed(CheckpointTensor t) {
        if (t.name().endsWith(QDATA)) {
            return t.renamed(t.name().substring(0, t.name().length() - QDATA.length()) + WEIGHT);
        }
        String scale = "._weight_scale";
        if (t.name().endsWith(scale)) {
            return t.renamed(t.name().substring(0, t.name().length() - scale.length()) + ".weight_scale");
        }
        return t;
    }
}
