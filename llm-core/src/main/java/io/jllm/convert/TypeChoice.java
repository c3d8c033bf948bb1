package io.jllm.convert;

import io.jllm.ModelLoadException;
import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.gguf.GgufFile;
import java.util.HashMap;
import java.util.Map;

/** Which format each tensor of a file gets. The rules are those of llama.cpp's {@code llama_tensor_get_type}. */
final class TypeChoice {
    private final Converter.Options options;
    private final Converter.Progress progress;
    private final MixRules mix;
    /** Whether what is not quantised keeps its format; from folders it comes as F32. */
    private final boolean keepsTypes;

    private TypeChoice(Checkpoint source, Converter.Options options, Converter.Progress progress) {
        this.options = options;
        this.progress = progress;
        keepsTypes = source.weights() instanceof GgufFile;
        var facts = ModelFacts.of(source.metadata(), source.tensors().stream().map(Checkpoint.Item::name).toList());
        mix = new MixRules(options.type(), facts, !options.importance().isEmpty());
    }

    /** The formats by the names of tensors. */
    static Map<String, DType> of(Checkpoint source, Converter.Options options, Converter.Progress progress) {
        var choice = new TypeChoice(source, options, progress);
        var types = new HashMap<String, DType>();
        source.tensors().stream().sorted(Checkpoint.ORDER).forEach(t -> types.put(t.name(), choice.of(t)));
        return types;
    }

    private DType of(Checkpoint.Item t) {
        var now = t.type();
        if (!isMatrix(t) || !TensorRole.isQuantized(t.name()) || !isReal(now)) {
            return !keepsTypes && (now == DType.F16 || now == DType.BF16) ? DType.F32 : now;
        }
        var best = wanted(t);
        var type = fitting(best, t.data().cols());
        if (type != best) {
            progress.note("tensor " + t.name() + " has rows of " + t.data().cols() + " values, which do not fill blocks of "
                    + best.blockElements() + " (" + best + "): it is written as " + type);
        }
        if (type != now && Codec.of(now).isEmpty()) {
            throw new ModelLoadException("tensor " + t.name() + " has type " + now + ", which cannot be read yet, and so not be written as "
                    + type);
        }
        return type;
    }

    private DType wanted(Checkpoint.Item t) {
        var usual = options.type().type();
        if (usual.isQuantized()) {
            var own = options.tensorTypes().stream().filter(o -> o.pattern().matcher(t.name()).find()).findFirst();
            if (own.isPresent()) {
                return own.get().type();
            }
        }
        if (t.type() == DType.MXFP4 && !options.pure()) {
            return DType.MXFP4; // what was trained in it would be larger in another format, or lose
        }
        return options.pure() || !usual.isQuantized() ? usual : mix.of(t);
    }

    private static DType fitting(DType type, long cols) {
        if (cols % type.blockElements() == 0) {
            return type;
        }
        var smaller = switch (type) {
            case Q2_K, Q3_K, TQ1_0, TQ2_0 -> DType.Q4_0;
            case Q4_K -> DType.Q5_0;
            case Q5_K -> DType.Q5_1;
            case Q6_K -> DType.Q8_0;
            case IQ4_XS -> DType.IQ4_NL;
            default -> DType.F16;
        };
        return cols % smaller.blockElements() == 0 ? smaller : DType.F16;
    }

    /** As ggml counts dimensions: those of 1 at the end are none. */
    private static boolean isMatrix(Checkpoint.Item t) {
        return t.shape().stream().skip(1).anyMatch(n -> n > 1);
    }

    private static boolean isReal(DType type) {
        return switch (type) {
            case I8, I16, I32, I64 -> false;
            default -> true;
        };
    }
}
