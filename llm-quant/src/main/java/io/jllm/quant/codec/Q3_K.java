package io.jllm.quant.codec;

import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.Encoder;
import io.jllm.quant.codec.block.Blocks;
import io.jllm.quant.codec.block.Groups;
import io.jllm.quant.codec.block.Importance;
import io.jllm.quant.codec.block.Rounding;
import io.jllm.quant.codec.block.ScaleDescent;
import io.jllm.quant.codec.block.ScaleSearch;
import io.jllm.quant.codec.block.TwoBits;
import java.lang.foreign.MemorySegment;

/**
 * 256 values of 3 bits in sixteen groups of 16, each with a scale of 6 bits: {@code value = d (scale - 32) (q - 4)}. Layout: 32 bytes
 * of third bits (bit r of byte j belongs to value 32 r + j), 64 bytes of the other two as {@link TwoBits}, 12 bytes of scales, d in
 * half precision. Of the scales, bytes 0 to 7 hold the low 4 bits of scales 0 to 7 (low nibbles) and 8 to 15 (high ones); byte
 * 8 + j holds the upper 2 bits of scales j, j + 4, j + 8 and j + 12, from its lowest bits on. The encoder takes scales from
 * {@link ScaleDescent}, or from {@link ScaleSearch} with importances, then rounds under what was stored of them. Source of both: ggml.
 */
final class Q3_K implements Codec, Encoder {
    private static final int VALUES = 256;
    private static final int BYTES = 110;
    private static final int NUMBERS = 32;
    private static final int SCALES = 96;
    private static final int UPPER = SCALES + 8;
    private static final int SCALE = 108;
    private static final int GROUP = 16;
    private static final int GROUPS = VALUES / GROUP;
    private static final int RANGE = 4;
    private static final int SCALE_RANGE = 32;

    @Override
    public DType type() {
        return DType.Q3_K;
    }

    @Override
    public void decode(MemorySegment src, long offset, float[] dst, int at, int count) {
        int blocks = Blocks.check(DType.Q3_K, src, offset, dst, at, count);
        for (int b = 0; b < blocks; b++) {
            long block = offset + (long) b * BYTES;
            float d = Blocks.half(src, block + SCALE);
            for (int g = 0; g < GROUPS; g++) {
                int low = src.get(Blocks.BYTE, block + SCALES + g % 8) >> 4 * (g / 8) & 15;
                int high = src.get(Blocks.BYTE, block + UPPER + g % 4) >> 2 * (g / 4) & 3;
                float scale = d * ((low | high << 4) - SCALE_RANGE);
                int run = g / 2;
                long thirds = block + GROUP * (g % 2);
                long numbers = block + NUMBERS + 32 * (g / 8) + GROUP * (g % 2);
                int to = at + b * VALUES + GROUP * g;
                for (int j = 0; j < GROUP; j++) {
                    int two = src.get(Blocks.BYTE, numbers + j) >> 2 * (run % 4) & 3;
                    int third = src.get(Blocks.BYTE, thirds + j) >> run & 1;
                    dst[to + j] = scale * ((two | third << 2) - RANGE);
                }
            }
        }
    }

    @Override
    public void encode(float[] src, int at, int count, MemorySegment dst, long offset) {
        int blocks = Blocks.checkFinite(DType.Q3_K, dst, offset, src, at, count);
        float[] scales = new float[GROUPS];
        byte[] numbers = new byte[GROUPS];
        byte[] q = new byte[VALUES];
        for (int b = 0; b < blocks; b++) {
            int from = at + b * VALUES;
            for (int g = 0; g < GROUPS; g++) {
                scales[g] = ScaleDescent.fit(src, from + GROUP * g, GROUP, RANGE, q, GROUP * g);
            }
            float peak = Groups.peak(scales, 0, GROUPS);
            // the group with the largest scale gets the one 6-bit scale that reaches furthest, -32
            float inverse = -SCALE_RANGE / peak;
            for (int g = 0; g < GROUPS; g++) {
                numbers[g] = (byte) (peak == 0 ? 0 : Rounding.clamped(inverse * scales[g], -SCALE_RANGE, SCALE_RANGE - 1) + SCALE_RANGE);
            }
            store(src, from, peak == 0 ? 0 : 1 / inverse, numbers, q, dst, offset + (long) b * BYTES);
        }
    }

    @Override
    public void encode(float[] src, int at, int count, float[] importance, MemorySegment dst, long offset) {
        int blocks = Blocks.checkFinite(DType.Q3_K, dst, offset, src, at, count);
        var weighing = new Importance(importance);
        var search = new ScaleSearch(GROUP, RANGE);
        var scaleSearch = new ScaleSearch(GROUPS, SCALE_RANGE);
        float[] weights = new float[GROUP];
        float[] sums = new float[GROUPS];
        float[] scales = new float[GROUPS];
        byte[] numbers = new byte[GROUPS];
        byte[] q = new byte[VALUES];
        for (int b = 0; b < blocks; b++) {
            int from = at + b * VALUES;
            float variance = 2 * Groups.sumOfSquares(src, from, VALUES) / VALUES;
            for (int g = 0; g < GROUPS; g++) {
                weighing.weigh(src, from + GROUP * g, b * VALUES + GROUP * g, variance, weights);
                sums[g] = Groups.sum(weights);
                search.put(g, src, from + GROUP * g, weights, 0);
            }
            search.fit(GROUPS);
            for (int g = 0; g < GROUPS; g++) {
                scales[g] = search.scale(g);
                search.integers(g, q, GROUP * g);
            }
            scaleSearch.put(0, scales, 0, sums, 0);
            scaleSearch.fit(1);
            scaleSearch.integers(0, numbers, 0);
            store(src, from, scaleSearch.scale(0), numbers, q, dst, offset + (long) b * BYTES);
        }
    }

    /** Stores a block with these scales, and values rounded under them; groups whose scale is 0 keep what they have. */
    private static void store(float[] x, int from, float unit, byte[] numbers, byte[] q, MemorySegment dst, long block) {
        dst.asSlice(block, BYTES).fill((byte) 0);
        float d = Blocks.putHalf(DType.Q3_K, unit, dst, block + SCALE);
        for (int g = 0; g < GROUPS; g++) {
            putScale(g, numbers[g], dst, block);
            float step = d * (numbers[g] - SCALE_RANGE);
            if (step == 0) {
                continue; // decodes to zeros whatever is stored
            }
            for (int j = GROUP * g; j < GROUP * (g + 1); j++) {
                q[j] = (byte) (Rounding.clamped(x[from + j] / step, -RANGE, RANGE - 1) + RANGE);
            }
        }
        for (int j = 0; j < 32; j++) {
            int thirds = 0;
            for (int run = 0; run < 8; run++) {
                thirds |= q[32 * run + j] >> 2 << run;
            }
            dst.set(Blocks.BYTE, block + j, (byte) thirds);
        }
        TwoBits.put(q, dst, block + NUMBERS);
    }

    /** Adds the bits of a scale, 0 to 63, to bytes that are zero where it goes. */
    private static void putScale(int g, int scale, MemorySegment dst, long block) {
        or((scale & 15) << 4 * (g / 8), dst, block + SCALES + g % 8);
        or(scale >> 4 << 2 * (g / 4), dst, block + UPPER + g % 4);
    }

    private static void or(int bits, MemorySegment dst, long at) {
        dst.set(Blocks.BYTE, at, (byte) (dst.get(Blocks.BYTE, at) | bits));
    }
}
