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
            for (int g = 0; g < VALUES / 16; g++) {
                int s = src.get(Blocks.BYTE, block + SCALES + g / 2) >> 4 * (g % 2) & 15;
                float scale = d * (0.5f + s) * 0.25f;
                for (int l = 2 * g; l < 2 * g + 2; l++) {
                    int packed = src.get(Blocks.SHORT, block + 2 + 2 * l) & 0xffff;
                    Grid.IQ2_XS.put(packed & 511, scale, Grid.evenSigns(packed >> 9), dst, at + b * VALUES + 8 * l);
                }
            }
        }
    }
}
