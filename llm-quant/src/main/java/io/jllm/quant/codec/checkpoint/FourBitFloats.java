package io.jllm.quant.codec.checkpoint;

import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.codec.block.Blocks;
import java.lang.foreign.MemorySegment;

/**
 * 64 values of 4 bits, places in a table, that share a scale a, the greatest magnitude of them: {@code value = table[place] a}, in single
 * precision. Layout: a; then for each 32 places 16 bytes, of which byte j holds place j in its low half and place j + 16 in its high one. Source of
 * the tables: bitsandbytes.
 */
public final class FourBitFloats implements Codec {
    /** Quantiles of a normal distribution, from -1 to 1. */
    public static final FourBitFloats NF4 = new FourBitFloats(DType.NF4, -1.0f, -0.6961928009986877f, -0.5250730514526367f, -0.39491748809814453f,
            -0.28444138169288635f, -0.18477343022823334f, -0.09105003625154495f, 0.0f, 0.07958029955625534f, 0.16093020141124725f,
            0.24611230194568634f, 0.33791524171829224f, 0.44070982933044434f, 0.5626170039176941f, 0.7229568362236023f, 1.0f);
    /** Floats with two bits of exponent and one of mantissa, up to 1; the highest bit is the sign. */
    public static final FourBitFloats FP4 = new FourBitFloats(DType.FP4, 0f, 0.0625f / 12, 8f / 12, 1f, 4f / 12, 6f / 12, 2f / 12, 3f / 12, 0f,
            -0.0625f / 12, -8f / 12, -1f, -4f / 12, -6f / 12, -2f / 12, -3f / 12);
    /** Places that stand together. */
    private static final int RUN = 32;
    private static final int HALF = RUN / 2;
    private static final int NIBBLE = 15;

    private final DType type;
    private final float[] table;

    private FourBitFloats(DType type, float... table) {
        this.type = type;
        this.table = table;
    }

    @Override
    public float[] table() {
        return table.clone();
    }

    @Override
    public DType type() {
        return type;
    }

    @Override
    public void decode(MemorySegment src, long offset, float[] dst, int at, int count) {
        int blocks = Blocks.check(type, src, offset, dst, at, count);
        for (int b = 0; b < blocks; b++) {
            long block = offset + (long) b * type.blockBytes();
            float scale = src.get(Blocks.FLOAT, block);
            for (int i = 0; i < type.blockElements(); i++) {
                int pair = src.get(Blocks.BYTE, block + Float.BYTES + i / RUN * HALF + i % HALF);
                dst[at + b * type.blockElements() + i] = table[pair >> i / HALF % 2 * 4 & NIBBLE] * scale;
            }
        }
    }
}
