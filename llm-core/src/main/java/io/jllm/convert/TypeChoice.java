package io.jllm.convert;

import io.jllm.ModelLoadException;
import io.jllm.quant.Codec;
import io.jllm.quant.DType;

/**
 * Which format a tensor gets. The rules are those of llama.cpp's {@code llama_tensor_get_type}.
 *
 * @param wanted the format that was asked for
 * @param pure whether no tensor is treated better than others
 * @param tied whether the embedding table is the output matrix too
 */
record TypeChoice(DType wanted, boolean pure, boolean tied) {
    DType of(Checkpoint.Item t, Converter.Progress progress) {
        var now = t.type();
        if (!isMatrixOfWeights(t)) {
            return keptAsFloat(now) ? DType.F32 : now;
        }
        var best = mixed(t);
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

    private DType mixed(Checkpoint.Item t) {
        if (pure || !wanted.isQuantized()) {
            return wanted;
        }
        if (t.name().equals("output.weight") || tied && t.name().equals("token_embd.weight")) {
            return t.data().cols() % wanted.blockElements() != 0 || wanted == DType.Q8_0 ? DType.Q8_0 : DType.Q6_K;
        }
        return wanted == DType.Q2_K && needsThreeBits(t.name()) ? DType.Q3_K : wanted;
    }

    /** What suffers most from 2 bits. Where four heads or more share a value, llama.cpp gives its matrix Q4_K, which is not written here. */
    private static boolean needsThreeBits(String name) {
        return name.contains("ffn_down") || name.endsWith("attn_output.weight") || name.endsWith("attn_v.weight") || name.endsWith("attn_qkv.weight")
                || name.endsWith("attn_kv_b.weight");
    }

    private static DType fitting(DType type, long cols) {
        if (cols % type.blockElements() == 0) {
            return type;
        }
        var smaller = switch (type) {
            case Q2_K, Q3_K -> DType.Q4_0;
            case Q6_K -> DType.Q8_0;
            default -> DType.F16;
        };
        return cols % smaller.blockElements() == 0 ? smaller : DType.F16;
    }

    /** Vectors, norms, the router of experts and tables of positions are small or delicate. */
    private static boolean isMatrixOfWeights(Checkpoint.Item t) {
        var name = t.name();
        return !t.isVector() && name.endsWith("weight") && !name.endsWith("_norm.weight") && !name.endsWith("ffn_gate_inp.weight")
                && !name.equals("position_embd.weight") && !name.equals("token_types.weight") && isReal(t.type());
    }

    private static boolean keptAsFloat(DType type) {
        return type == DType.F16 || type == DType.BF16;
    }

    private static boolean isReal(DType type) {
        return switch (type) {
            case I8, I16, I32, I64 -> false;
            default -> true;
        };
    }
}
