package io.jllm.quant.codec.grid;

import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.codec.block.Blocks;
import java.lang.foreign.MemorySegment;

/**
 * 256 values in 110 bytes: d in half precision, 64 bytes of points, 8 bytes of their ninth bits, 32 bytes of signs, 4 bytes of scales. A point
 * of {@link Grid} is 4 values; the ninth bit of point p is bit {@code p % 8} of byte {@code p / 8}, and so are the signs of the values. A nibble
 * of scales, the lower first, is for 32 values: {@code value = d (1 + 2 s) point}. Source: ggml.
 */
public final class IQ3_S implements Codec {
    private static final int VALUES = 256;
    private static final int BYTES = 110;
    private static final int POINTS = 2;
    private static final int NINTH = POINTS + 64;
    private static final int SIGNS = NINTH + 8;
    private static final int SCALES = SIGNS + 32;

    @Override
    public DType type() {
        return DType.IQ3_S;
    }

    @Override
    public byte[] grid() {
        return Grid.IQ3_S.bytes();
    }

    @Override
    public void decode(MemorySegment src, long offset, float[] dst, int at, int count) {
        int blocks = Blocks.check(DType.IQ3_S, src, offset, dst, at, count);
        for (int b = 0; b < blocks; b++) {
            long block = offset + (long) b * BYTES;
            float d = Blocks.half(src, block);
            for (int g = 0; g < VALUES / 32; g++) {
                float scale = d * (1 + 2 * (src.get(Blocks.BYTE, block + SCALES + g / 2) >> 4 * (g % 2) & 15));
                long points = src.get(Blocks.LONG, block + POINTS + 8 * g);
                int ninth = src.get(Blocks.BYTE, block + NINTH + g);
                int signs = src.get(Blocks.INT, block + SIGNS + 4 * g);
                int to = at + b * VALUES + 32 * g;
                for (int p = 0; p < 8; p++) {
                    Grid.IQ3_S.put((int) (points >>> 8 * p) & 255 | (ninth >> p & 1) << 8, scale, signs >> 4 * p, dst, to + 4 * p);
                }
            }
        }
    }
}
