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
            for (int p = 0; p < VALUES / 4; p++) {
                int s = src.get(Blocks.BYTE, block + SCALES + p / 16) >> 4 * (p / 8 % 2) & 15;
                int ninth = src.get(Blocks.BYTE, block + NINTH + p / 8) >> p % 8 & 1;
                int point = src.get(Blocks.BYTE, block + POINTS + p) & 255 | ninth << 8;
                int signs = src.get(Blocks.BYTE, block + SIGNS + p / 2) >> 4 * (p % 2);
                Grid.IQ3_S.put(point, d * (1 + 2 * s), signs, dst, at + b * VALUES + 4 * p);
            }
        }
    }
}
