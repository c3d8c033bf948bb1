package io.jllm.quant;

import java.util.Optional;

/**
 * Storage types of tensors, with their geometry, so that nobody else switches on names.
 *
 * <p>Ids, block lengths and block sizes are those of the GGUF format (ggml's {@code ggml_type}), those of 8-bit floats safetensors'. A type
 * listed here has a known size; whether its values can be read is the question that {@link Codec#of} answers.
 */
public enum DType {
    F32(0, 1, 4), F16(1, 1, 2), BF16(30, 1, 2), F64(28, 1, 8),
    I8(24, 1, 1), I16(25, 1, 2), I32(26, 1, 4), I64(27, 1, 8),
    Q4_0(2, 32, 18), Q4_1(3, 32, 20), Q5_0(6, 32, 22), Q5_1(7, 32, 24), Q8_0(8, 32, 34), Q8_1(9, 32, 36),
    Q2_K(10, 256, 84), Q3_K(11, 256, 110), Q4_K(12, 256, 144), Q5_K(13, 256, 176), Q6_K(14, 256, 210), Q8_K(15, 256, 292),
    IQ2_XXS(16, 256, 66), IQ2_XS(17, 256, 74), IQ3_XXS(18, 256, 98), IQ1_S(19, 256, 50), IQ4_NL(20, 32, 18),
    IQ3_S(21, 256, 110), IQ2_S(22, 256, 82), IQ4_XS(23, 256, 136), IQ1_M(29, 256, 56),
    TQ1_0(34, 256, 54), TQ2_0(35, 256, 66), MXFP4(39, 32, 17), NVFP4(40, 64, 36), Q1_0(41, 128, 18), Q2_0(42, 64, 18),
    /** Blocks of Q4_0 and IQ4_NL, those of four or eight rows interleaved: in files of 2024, before llama.cpp rearranged weights itself. */
    Q4_0_4_4(31, 32, 18), Q4_0_4_8(32, 32, 18), Q4_0_8_8(33, 32, 18), IQ4_NL_4_4(36, 32, 18), IQ4_NL_4_8(37, 32, 18), IQ4_NL_8_8(38, 32, 18),
    /** Floats of 8 bits, as safetensors files have them and GGUF files do not: with a sign, and powers of two without one. */
    F8_E4M3(-1, 1, 1), F8_E5M2(-1, 1, 1), F8_E8M0(-1, 1, 1),
    /**
     * What weights of quantised checkpoints are read as, and no file has: whole numbers of 2, 3, 4 or 8 bits, 32, 64 or 128 of which share a
     * scale in half precision and a zero. {@code U4_128} is 128 numbers of 4 bits. Made of {@link Grouped} ones, see {@link GroupedBlocks}.
     */
    U2_32(-1, 32, 11), U2_64(-1, 64, 19), U2_128(-1, 128, 35), U3_32(-1, 32, 15), U3_64(-1, 64, 27), U3_128(-1, 128, 51),
    U4_32(-1, 32, 19), U4_64(-1, 64, 35), U4_128(-1, 128, 67), U8_32(-1, 32, 35),
    /** The same with a scale in single precision: places in the tables of bitsandbytes, and signed bytes. */
    NF4(-1, 64, 36), FP4(-1, 64, 36), S8_64(-1, 64, 68),
    /** The same for NVFP4: floats of 4 bits, 16 of which share one of 8 bits, and all of a row a factor in single precision. */
    E2M1_64(-1, 64, 40),
    /** The same of F8_E4M3: what matrices of 8-bit floats with scales are read as. See {@link Scaled}. */
    F8_64(-1, 64, 68);

    private static final DType[] BY_ID = byId();

    private final int ggmlId;
    private final int blockElements;
    private final int blockBytes;

    DType(int ggmlId, int blockElements, int blockBytes) {
        this.ggmlId = ggmlId;
        this.blockElements = blockElements;
        this.blockBytes = blockBytes;
    }

    /** The number that GGUF files use for this type; -1 for those that they do not have. */
    public int ggmlId() {
        return ggmlId;
    }

    /** Elements in one block; 1 for plain types. */
    public int blockElements() {
        return blockElements;
    }

    /** Bytes of one block. */
    public int blockBytes() {
        return blockBytes;
    }

    /** Whether values share a scale in blocks, so that activations may be quantised to meet them; those of F8_64 stay floats, which meet floats. */
    public boolean isQuantized() {
        return blockElements > 1;
    }

    /**
     * Bytes that {@code elements} values take.
     *
     * @throws IllegalArgumentException if they do not fill whole blocks
     * @throws ArithmeticException if the size does not fit a long
     */
    public long bytes(long elements) {
        if (elements < 0 || elements % blockElements != 0) {
            throw new IllegalArgumentException(elements + " elements do not fill blocks of " + blockElements + " (" + this + ")");
        }
        return Math.multiplyExact(elements / blockElements, (long) blockBytes);
    }

    /** The type with the given GGUF number; empty if it is unknown here. */
    public static Optional<DType> ofGgml(int id) {
        return id < 0 || id >= BY_ID.length ? Optional.empty() : Optional.ofNullable(BY_ID[id]);
    }

    private static DType[] byId() {
        var table = new DType[43]; // one more than the greatest id
        for (DType t : values()) {
            if (t.ggmlId >= 0) {
                table[t.ggmlId] = t;
            }
        }
        return table;
    }
}
