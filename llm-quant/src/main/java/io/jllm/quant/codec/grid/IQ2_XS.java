package io.jllm.quant.codec.grid;

import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.codec.block.Blocks;
import java.lang.foreign.MemorySegment;

/**
 * 256 values in 74 bytes: d in half precision, 32 little-endian shorts, 8 bytes of scales. A short is 8 values: a point of {@link Grid} in its
 * lower 9 bits, 7 signs ({@link Grid#evenSigns}) above. A nibble of scales, the lower first, is for 16 values: {@code value = d (s + 1/2) / 4
 * point}. Source: ggml.
 */
public final class IQ2_XS implements Codec {
    private static final int VALUES = 256;
    private static final int BYTES = 74;
    private static final int SCALES = 66;

    @Override
    public DType type() {
        return DType.IQ2_XS;
    }

    @Override
    public byte[] grid() {
        return Grid.IQ2_XS.bytes();
    }

    @Override
    public void decode(MemorySegment src, long offset, float[] dst, int at, int count) {
        int blocks = Blocks.check(DType.IQ2_XS, src, offset, dst, at, count);
        for (int b = 0; b < blocks; b++) {
            long block = offset + (long) b * BYTES;
            float d = Blocks.half(src, block);
            for (int g = 0; g < VALUES / 32; g++) {
                int scales = src.get(Blocks.BYTE, block + SCALES + g);
                long packed = src.get(Blocks.LONG, block + 2 + 8 * g);
                int to = at + b * VALUES + 32 * g;
                for (int l = 0; l < 4; l++) {
                    float scale = d * (0.5f + (scales >> 4 * (l / 2) & 15)) * 0.25f;
                    int point = (int) (packed >>> 16 * l) & 0xffff;
                    Grid.IQ2_XS.put(point & 511, scale, Grid.evenSigns(point >> 9), dst, to + 8 * l);
                }
            }
        }
    }
}
