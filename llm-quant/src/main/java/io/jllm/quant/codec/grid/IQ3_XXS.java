package io.jllm.quant.codec.grid;

import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.codec.block.Blocks;
import java.lang.foreign.MemorySegment;

/**
 * 256 values in 98 bytes: d in half precision, 64 bytes that are points of {@link Grid} of 4 values each, then a little-endian int for each 32
 * values: four times 7 signs ({@link Grid#evenSigns}), and in its upper 4 bits the scale s: {@code value = d (s + 1/2) / 2 point}. Source:
 * ggml.
 */
public final class IQ3_XXS implements Codec {
    private static final int VALUES = 256;
    private static final int BYTES = 98;
    private static final int POINTS = 2;
    private static final int SIGNS = POINTS + 64;

    @Override
    public DType type() {
        return DType.IQ3_XXS;
    }

    @Override
    public byte[] grid() {
        return Grid.IQ3_XXS.bytes();
    }

    @Override
    public void decode(MemorySegment src, long offset, float[] dst, int at, int count) {
        int blocks = Blocks.check(DType.IQ3_XXS, src, offset, dst, at, count);
        for (int b = 0; b < blocks; b++) {
            long block = offset + (long) b * BYTES;
            float d = Blocks.half(src, block);
            for (int g = 0; g < VALUES / 32; g++) {
                int packed = src.get(Blocks.INT, block + SIGNS + 4 * g);
                float scale = d * (0.5f + (packed >>> 28)) * 0.5f;
                long points = src.get(Blocks.LONG, block + POINTS + 8 * g);
                int to = at + b * VALUES + 32 * g;
                for (int l = 0; l < 4; l++) {
                    int signs = Grid.evenSigns(packed >>> 7 * l & 127);
                    int pair = (int) (points >>> 16 * l);
                    Grid.IQ3_XXS.put(pair & 255, scale, signs, dst, to + 8 * l);
                    Grid.IQ3_XXS.put(pair >> 8 & 255, scale, signs >> 4, dst, to + 8 * l + 4);
                }
            }
        }
    }
}
