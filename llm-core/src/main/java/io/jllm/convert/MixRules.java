package io.jllm.convert;

import io.jllm.quant.DType;

/**
 * The format that a file type gives a matrix, by what it does and in which layer. The rules are those of llama.cpp's {@code
 * llama_tensor_get_type_impl}. They count matrices: one file needs one of these, asked in the order of {@link Checkpoint#ORDER}.
 */
final class MixRules {
    private static final int FEW_EXPERTS = 8;

    private final FileType file;
    private final ModelFacts model;
    private final boolean weighed;
    private final boolean isFalcon;
    private int values;
    private int downs;

    /** Rules for a file; {@code weighed}, if there are importances of columns. */
    MixRules(FileType file, ModelFacts model, boolean weighed) {
        this.file = file;
        this.model = model;
        this.weighed = weighed;
        this.isFalcon = model.family().equals("falcon");
    }

    /** The format of the next matrix, whether its rows fill the blocks or not. */
    DType of(Checkpoint.Item t) {
        var role = TensorRole.of(t.name());
        if (role == TensorRole.OUTPUT || model.tied() && role == TensorRole.EMBEDDING) {
            return output(t.data().cols());
        }
        if (file == FileType.MXFP4_MOE) {
            return t.shape().size() > 2 && t.shape().get(2) > 1 ? DType.MXFP4 : DType.Q8_0;
        }
        return switch (role) {
            case EMBEDDING -> file == FileType.TQ1_0 || file == FileType.TQ2_0 ? DType.Q4_K : file.type();
            case QKV, KV_B, VALUE -> value(values++);
            case KEY -> model.experts() == FEW_EXPERTS ? DType.Q8_0 : file.type();
            case DOWN -> {
                int layer = model.experts() > 1 && Checkpoint.layer(t.name()) >= 0 ? Checkpoint.layer(t.name()) : downs;
                downs++;
                yield down(layer);
            }
            case ATTENTION_OUTPUT -> attentionOutput();
            case OUTPUT, QUERY, UP, GATE, OTHER -> file.type();
        };
    }

    private DType output(long cols) {
        return file == FileType.MXFP4_MOE || file == FileType.Q8_0 || isFalcon || cols % file.type().blockElements() != 0 ? DType.Q8_0 : DType.Q6_K;
    }

    private DType value(int i) {
        if (model.experts() == FEW_EXPERTS) {
            return DType.Q8_0;
        }
        boolean isShared = model.queriesPerKey() >= 4;
        var type = switch (file) {
            case Q2_K -> isShared ? DType.Q4_K : DType.Q3_K;
            case Q2_K_S -> isShared ? DType.Q4_K : DType.Q2_K;
            case Q3_K_M -> i < 2 ? DType.Q5_K : DType.Q4_K;
            case Q3_K_L -> DType.Q5_K;
            case IQ4_NL, IQ4_XS -> isShared ? DType.Q5_K : file.type();
            case Q4_K_M, Q5_K_M -> getsMore(i, model.values()) ? DType.Q6_K : file.type();
            case Q4_K_S -> i < 4 ? DType.Q5_K : DType.Q4_K;
            default -> file.type();
        };
        return model.isLarge() && (type == DType.Q3_K || type == DType.Q4_K) ? DType.Q5_K : type;
    }

    private DType down(int i) {
        int n = model.layers();
        boolean isFirst = i < n / 8;
        return switch (file) {
            case Q2_K -> DType.Q3_K;
            case Q2_K_S -> isFirst ? DType.Q4_K : DType.Q2_K;
            case Q3_K_M -> i < n / 16 ? DType.Q5_K : !isFalcon || getsMore(i, n) ? DType.Q4_K : DType.Q3_K;
            case Q3_K_L -> isFalcon ? DType.Q4_K : DType.Q5_K;
            case Q4_K_S -> isFirst && !isFalcon ? DType.Q5_K : DType.Q4_K;
            case Q4_K_M -> !isFalcon ? getsMore(i, n) ? DType.Q6_K : DType.Q4_K
                    : i < n / 16 ? DType.Q6_K : getsMore(i, n) ? DType.Q5_K : DType.Q4_K;
            case Q5_K_M -> getsMore(i, n) ? DType.Q6_K : DType.Q5_K;
            case IQ4_NL, IQ4_XS -> isFirst && !weighed ? DType.Q5_K : file.type();
            case Q4_0 -> isFirst && weighed ? DType.Q4_1 : DType.Q4_0;
            case Q5_0 -> isFirst && weighed ? DType.Q5_1 : DType.Q5_0;
            default -> file.type();
        };
    }

    private DType attentionOutput() {
        if (isFalcon) {
            return file == FileType.Q3_K_L ? DType.Q4_K : file.type();
        }
        if (model.experts() == FEW_EXPERTS) {
            return switch (file) {
                case Q2_K, Q3_K_S, Q3_K_M, Q4_K_S, Q4_K_M, IQ4_NL, IQ4_XS -> DType.Q5_K;
                default -> file.type();
            };
        }
        return switch (file) {
            case Q2_K -> DType.Q3_K;
            case Q3_K_M -> DType.Q4_K;
            case Q3_K_L -> DType.Q5_K;
            default -> file.type();
        };
    }

    /** The first eighth, the last eighth, and each third layer between them. */
    private static boolean getsMore(int i, int n) {
        return i < n / 8 || i >= 7 * n / 8 || (i - n / 8) % 3 == 2;
    }
}
