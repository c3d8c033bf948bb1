package io.jllm.quant.codec.checkpoint;

import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.codec.block.Blocks;
import io.jllm.quant.codec.block.SmallFloats;
import java.lang.foreign.MemorySegment;

/**
 * NVFP4 with the factor of its matrix: 64 floats of 4 bits (E2M1), each 16 of which share a scale s, a float of 8 bits (E4M3), and all blocks of a
 * row a factor d: {@code value = e2m1 (s d)}, in single precision. Layout: d; the four scales, whose sign is not looked at; then for each 32
 * values 16 bytes, of which byte j holds value j in its low half and value j + 16 in its high one. The code 0x7f of a scale is no number
 * elsewhere, and 480 here. Source: NVIDIA, Pretraining Large Language Models with NVFP4, 2025.
 */
public final class E2M1_64 implements Codec {
    private static final int VALUES = 64;
    private static final int RUN = 32;
    private static final int SHARED = 16;
    /** Where the values start. */
    private static final int HEADER = Float.BYTES + VALUES / SHARED;
    private static final int BYTES = HEADER + VALUES / 2;
    /** E4M3 without its sign, as the upper bits of a number in half precision, is so many times smaller. */
    private static final float SMALLER = 256;
    private static final int TO_HALF = 7;

    @Override
    public DType type() {
        return DType.E2M1_64;
    }

    @Override
    public void decode(MemorySegment src, long offset, float[] dst, int at, int count) {
        int blocks = Blocks.check(DType.E2M1_64, src, offset, dst, at, count);
        for (int b = 0; b < blocks; b++) {
            long block = offset + (long) b * BYTES;
            float factor = src.get(Blocks.FLOAT, block) * (SMALLER / 2);
            for (int i = 0; i < VALUES; i++) {
                int scale = src.get(Blocks.BYTE, block + Float.BYTES + i / SHARED) & Byte.MAX_VALUE;
                int pair = src.get(Blocks.BYTE, block + HEADER + i / RUN * SHARED + i % SHARED);
                dst[at + b * VALUES + i] = SmallFloats.twice(pair >> i / SHARED % 2 * 4)
                        * (Float.float16ToFloat((short) (scale << TO_HALF)) * factor);
            }
        }
    }
}
