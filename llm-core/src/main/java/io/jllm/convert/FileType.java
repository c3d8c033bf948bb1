package io.jllm.convert;

import io.jllm.quant.DType;
import io.jllm.quant.Encoder;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * What a whole file is written as: the format of most matrices, and a rule for those that get another. Names, numbers and rules are those of
 * llama.cpp's file types ({@code llama_ftype}); S, M and L are smaller and larger mixes of one format.
 */
public enum FileType {
    F32(0, DType.F32), F16(1, DType.F16), BF16(32, DType.BF16), Q8_0(7, DType.Q8_0), Q6_K(18, DType.Q6_K), Q5_K_M(17, DType.Q5_K),
    Q5_K_S(16, DType.Q5_K), Q5_1(9, DType.Q5_1), Q5_0(8, DType.Q5_0), Q4_K_M(15, DType.Q4_K), Q4_K_S(14, DType.Q4_K), Q4_1(3, DType.Q4_1),
    Q4_0(2, DType.Q4_0), IQ4_NL(25, DType.IQ4_NL), IQ4_XS(30, DType.IQ4_XS), MXFP4_MOE(38, DType.MXFP4), Q3_K_L(13, DType.Q3_K),
    Q3_K_M(12, DType.Q3_K), Q3_K_S(11, DType.Q3_K), Q2_K(10, DType.Q2_K), Q2_K_S(21, DType.Q2_K), TQ2_0(37, DType.TQ2_0),
    TQ1_0(36, DType.TQ1_0);

    /** Short names, which llama-quantize knows too. */
    private static final Map<String, FileType> SHORT = Map.of("Q3_K", Q3_K_M, "Q4_K", Q4_K_M, "Q5_K", Q5_K_M, "MXFP4", MXFP4_MOE);

    private final int number;
    private final DType type;

    FileType(int number, DType type) {
        this.number = number;
        this.type = type;
    }

    /** Its number in {@code general.file_type}. */
    public int number() {
        return number;
    }

    /** The format of most matrices; with {@link Converter.Options#pure} of all. */
    public DType type() {
        return type;
    }

    /** Those that can be written. */
    public static List<FileType> all() {
        return Arrays.stream(values()).filter(t -> Encoder.of(t.type).isPresent()).toList();
    }

    /** The one of a name, as llama-quantize takes it: in any case; {@code Q3_K}, {@code Q4_K} and {@code Q5_K} are the mixes M. */
    public static Optional<FileType> named(String name) {
        var upper = name.toUpperCase(Locale.ROOT);
        var found = Arrays.stream(values()).filter(t -> t.name().equals(upper)).findFirst().or(() -> Optional.ofNullable(SHORT.get(upper)));
        return found.filter(all()::contains);
    }

    /**
     * The one of most matrices in a format: of several mixes the smallest (S), but for Q2_K the one of that name.
     *
     * @throws IllegalArgumentException if no file can be written so
     */
    public static FileType of(DType type) {
        var found = switch (type) {
            case Q3_K -> Q3_K_S;
            case Q4_K -> Q4_K_S;
            case Q5_K -> Q5_K_S;
            default -> Arrays.stream(values()).filter(t -> t.type == type).findFirst().orElse(null);
        };
        if (found == null || !all().contains(found)) {
            throw new IllegalArgumentException("models cannot be written as " + type + "; supported are " + all());
        }
        return found;
    }
}
