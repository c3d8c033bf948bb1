package io.jllm.quant.gguf;

import io.jllm.quant.Assembled;
import io.jllm.quant.DType;
import io.jllm.quant.FormatException;
import io.jllm.quant.Tensor;
import io.jllm.quant.WeightSource;
import io.jllm.quant.Weights;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The tensors of a file, those in NVFP4 with their factors: {@code blk.0.attn_q.weight} is multiplied by {@code blk.0.attn_q.scale}, which has one
 * number, or one for each expert, and is 1 if it is missing. Scales of activations, {@code input_scale}, are not used.
 */
public final class ScaledTensors implements WeightSource {
    private static final String WEIGHT = ".weight";
    private static final List<String> KINDS = List.of(".scale", ".input_scale");

    private final GgufFile file;
    private final Set<String> names;

    private ScaledTensors(GgufFile file, Set<String> names) {
        this.file = file;
        this.names = names;
    }

    /** What a file has; itself, if none are in NVFP4. */
    public static WeightSource of(GgufFile file) {
        List<String> scaled = file.names().stream().filter(name -> isScaled(file.get(name))).toList();
        var names = new LinkedHashSet<>(file.names());
        scaled.forEach(name -> KINDS.forEach(kind -> names.remove(kindred(name, kind))));
        return scaled.isEmpty() ? file : new ScaledTensors(file, names);
    }

    private static boolean isScaled(Tensor t) {
        return t.type() == DType.NVFP4;
    }

    private static String kindred(String name, String kind) {
        return (name.endsWith(WEIGHT) ? name.substring(0, name.length() - WEIGHT.length()) : name) + kind;
    }

    @Override
    public Set<String> names() {
        return names;
    }

    @Override
    public Optional<Weights> find(String name) {
        return names.contains(name) ? Optional.of(get(name)) : Optional.empty();
    }

    @Override
    public Weights get(String name) {
        Tensor t = file.get(name);
        return isScaled(t) ? new Assembled(name, List.of(new Nvfp4Blocks(t, factors(t)))) : t;
    }

    private float[] factors(Tensor t) {
        String name = kindred(t.name(), KINDS.getFirst());
        if (!file.names().contains(name)) {
            return new float[] {1};
        }
        Tensor scale = file.get(name);
        long count = scale.rows() * scale.cols();
        if (scale.type() != DType.F32 || count < 1 || count > t.rows() || t.rows() % count != 0) {
            throw new FormatException(String.valueOf(file.files().getFirst()), "tensor " + name, "has " + count + " numbers of type " + scale.type()
                    + "; for " + t.rows() + " rows of " + t.name() + " it must have one F32, or one for each expert");
        }
        var factors = new float[(int) count];
        scale.decode(0, (int) scale.rows(), factors, 0);
        return factors;
    }

    @Override
    public void close() {
        file.close();
    }
}
