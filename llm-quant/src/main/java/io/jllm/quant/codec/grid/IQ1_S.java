package io.jllm.quant.codec.grid;

import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.codec.block.Blocks;
import java.lang.foreign.MemorySegment;

/**
 * 256 values in 50 bytes: d in half precision, 32 bytes of points, then a little-endian short for each 32 values. A point of {@link Grid}, whose
 * levels are -1, 0 and 1, is 8 values: its lower 8 bits are a byte, its upper 3 are in the short, three a point, below the scale s of 3 bits and
 * the sign of the shift: {@code value = d (2 s + 1) (point + or - 1/8)}. Source: ggml.
 */
public final class IQ1_S implements Codec {
    private static final int VALUES = 256;
    private static final int BYTES = 50;
    private static final int POINTS = 2;
    private static final int UPPER = POINTS + 32;
    static final float SHIFT = 0.125f;

    @Override
    public DType type() {
        return DType.IQ1_S;
    }

    @Override
    public byte[] grid() {
        return Grid.IQ1_S.bytes();
    }

    @Override
    public void decode(MemorySegment src, long offset, float[] dst, int at, int count) {
        int blocks = Blocks.check(DType.IQ1_S, src, offset, dst, at, count);
        for (int b = 0; b < blocks; b++) {
            long block = offset + (long) b * BYTES;
            float d = Blocks.half(src, block);
            for (int g = 0; g < VALUES / 32; g++) {
                int packed = src.get(Blocks.SHORT, block + UPPER + 2 * g);
                float scale = d * (2 * (packed >> 12 & 7) + 1);
                float shift = packed < 0 ? -SHIFT : SHIFT;
                for (int l = 0; l < 4; l++) {
                    int point = src.get(Blocks.BYTE, block + POINTS + 4 * g + l) & 255 | (packed >> 3 * l & 7) << 8;
                    Grid.IQ1_S.putShifted(point, scale, shift, dst, at + b * VALUES + 32 * g + 8 * l);
                }
            }
        }
    }
}
