package io.jllm.quant.codec;

import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.codec.block.Blocks;
import io.jllm.quant.codec.block.Importance;
import io.jllm.quant.codec.block.KSearch;
import io.jllm.quant.codec.block.RangeSearch;
import io.jllm.quant.codec.block.TwoBits;
import io.jllm.quant.codec.block.WeighedEncoder;
import java.lang.foreign.MemorySegment;

/**
 * 256 values of 2 bits in sixteen groups of 16, each with a scale and a minimum of 4 bits: {@code value = d scale q - dmin minimum}.
 * Layout: 16 bytes of scales (low nibbles) and minima (high ones), 64 bytes of numbers as {@link TwoBits}, d and dmin in half
 * precision. The encoder is {@link KSearch}. Source of both: ggml.
 */
final class Q2_K implements Codec, WeighedEncoder {
    private static final int VALUES = 256;
    private static final int BYTES = 84;
    private static final int NUMBERS = 16;
    private static final int SCALE = 80;
    private static final int MINIMUM = 82;
    private static final int GROUP = 16;
    private static final int GROUPS = VALUES / GROUP;
    private static final KSearch.Shape SHAPE = new KSearch.Shape(DType.Q2_K, GROUP, 3, 15, new RangeSearch.Trials(-0.5f, 0.1f, 15, true), false,
            1, SCALE);

    @Override
    public DType type() {
        return DType.Q2_K;
    }

    @Override
    public void decode(MemorySegment src, long offset, float[] dst, int at, int count) {
        int blocks = Blocks.check(DType.Q2_K, src, offset, dst, at, count);
        for (int b = 0; b < blocks; b++) {
            long block = offset + (long) b * BYTES;
            float d = Blocks.half(src, block + SCALE);
            float dmin = Blocks.half(src, block + MINIMUM);
            for (int g = 0; g < GROUPS; g++) {
                int packed = src.get(Blocks.BYTE, block + g);
                float scale = d * (packed & 15);
                float minimum = dmin * (packed >> 4 & 15);
                // groups 0 and 1 are the first run of 32 values, and so on
                long numbers = block + NUMBERS + 32 * (g / 8) + GROUP * (g % 2);
                int shift = 2 * (g % 8 / 2);
                int to = at + b * VALUES + GROUP * g;
                for (int j = 0; j < GROUP; j++) {
                    dst[to + j] = scale * (src.get(Blocks.BYTE, numbers + j) >> shift & 3) - minimum;
                }
            }
        }
    }

    @Override
    public void encode(float[] src, int at, int count, Importance importance, MemorySegment dst, long offset) {
        int blocks = Blocks.checkFinite(DType.Q2_K, dst, offset, src, at, count);
        new KSearch(SHAPE, importance).encode(src, at, blocks, dst, offset, Q2_K::pack);
    }

    private static void pack(int[] scales, int[] minima, byte[] q, MemorySegment dst, long block) {
        for (int g = 0; g < GROUPS; g++) {
            dst.set(Blocks.BYTE, block + g, (byte) (scales[g] | minima[g] << 4));
        }
        TwoBits.put(q, dst, block + NUMBERS);
    }
}
