package io.jllm.quant.codec.grid;

import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.codec.block.Blocks;
import java.lang.foreign.MemorySegment;

/**
 * 256 values in 82 bytes: d in half precision, 32 bytes of points, 32 of signs, 8 of the points' upper bits, 8 of scales. Eight values are a
 * point of {@link Grid} (lower 8 bits in a byte, upper 2 in a pair of bits) and a byte of signs. A nibble of scales, the lower first, is for
 * 16 values: {@code value = d (s + 1/2) / 4 point}. Source: ggml.
 */
public final class IQ2_S implements Codec {
    private static final int VALUES = 256;
    private static final int BYTES = 82;
    private static final int POINTS = 2;
    private static final int SIGNS = POINTS + 32;
    private static final int UPPER = SIGNS + 32;
    private static final int SCALES = UPPER + 8;

    @Override
    public DType type() {
        return DType.IQ2_S;
    }

    @Override
    public byte[] grid() {
        return Grid.IQ2_S.bytes();
    }

    @Override
    public void decode(MemorySegment src, long offset, float[] dst, int at, int count) {
        int blocks = Blocks.check(DType.IQ2_S, src, offset, dst, at, count);
        for (int b = 0; b < blocks; b++) {
            long block = offset + (long) b * BYTES;
            float d = Blocks.half(src, block);
            for (int g = 0; g < VALUES / 32; g++) {
                int scales = src.get(Blocks.BYTE, block + SCALES + g);
                int points = src.get(Blocks.INT, block + POINTS + 4 * g);
                int upper = src.get(Blocks.BYTE, block + UPPER + g);
                int signs = src.get(Blocks.INT, block + SIGNS + 4 * g);
                int to = at + b * VALUES + 32 * g;
                for (int l = 0; l < 4; l++) {
                    float scale = d * (0.5f + (scales >> 4 * (l / 2) & 15)) * 0.25f;
                    Grid.IQ2_S.put(points >>> 8 * l & 255 | (upper >> 2 * l & 3) << 8, scale, signs >> 8 * l, dst, to + 8 * l);
                }
            }
        }
    }
}
