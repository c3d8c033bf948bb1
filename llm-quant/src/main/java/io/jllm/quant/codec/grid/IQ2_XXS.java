package io.jllm.quant.codec.grid;

import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.codec.block.Blocks;
import java.lang.foreign.MemorySegment;

/**
 * 256 values in 66 bytes: d in half precision, then for each 32 values two little-endian ints. The bytes of the first are four points of
 * {@link Grid} of 8 values each; the second holds four times 7 signs ({@link Grid#evenSigns}) and in its upper 4 bits the scale s: {@code
 * value = d (s + 1/2) / 4 point}. Source: ggml.
 */
public final class IQ2_XXS implements Codec {
    private static final int VALUES = 256;
    private static final int BYTES = 66;

    @Override
    public DType type() {
        return DType.IQ2_XXS;
    }

    @Override
    public byte[] grid() {
        return Grid.IQ2_XXS.bytes();
    }

    @Override
    public void decode(MemorySegment src, long offset, float[] dst, int at, int count) {
        int blocks = Blocks.check(DType.IQ2_XXS, src, offset, dst, at, count);
        for (int b = 0; b < blocks; b++) {
            long block = offset + (long) b * BYTES;
            float d = Blocks.half(src, block);
            for (int g = 0; g < VALUES / 32; g++) {
                int points = src.get(Blocks.INT, block + 2 + 8 * g);
                int signs = src.get(Blocks.INT, block + 6 + 8 * g);
                float scale = d * (0.5f + (signs >>> 28)) * 0.25f;
                int to = at + b * VALUES + 32 * g;
                for (int l = 0; l < 4; l++) {
                    Grid.IQ2_XXS.put(points >>> 8 * l & 255, scale, Grid.evenSigns(signs >>> 7 * l & 127), dst, to + 8 * l);
                }
            }
        }
    }
}
