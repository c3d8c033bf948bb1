package io.jllm.quant.codec;

import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.codec.block.Blocks;
import io.jllm.quant.codec.block.Groups;
import io.jllm.quant.codec.block.Importance;
import io.jllm.quant.codec.block.Rounding;
import io.jllm.quant.codec.block.ScaleSearch;
import io.jllm.quant.codec.block.WeighedEncoder;
import java.lang.foreign.MemorySegment;

/**
 * 256 values of 6 bits in sixteen groups of 16, each with a signed scale of 8 bits: {@code value = d scale (q - 32)}. Layout: 128
 * bytes of low nibbles, 64 bytes of high bit pairs, 16 scales, d in half precision. Each half of the block (128 values, 64
 * bytes of nibbles, 32 of pairs) is four runs of 32 values: runs 0 and 1 are the low nibbles of its first and second 32
 * bytes, runs 2 and 3 the high ones; run r has bits 2r and 2r + 1 of the pairs. The encoder takes scales
 * from {@link ScaleSearch}, then rounds under what was stored of them. Source of both: ggml.
 */
final class Q6_K implements Codec, WeighedEncoder {
    private static final int VALUES = 256;
    private static final int BYTES = 210;
    private static final int PAIRS = 128;
    private static final int SCALES = 192;
    private static final int SCALE = 208;
    private static final int GROUP = 16;
    private static final int GROUPS = VALUES / GROUP;
    private static final int RANGE = 32;
    /** Blocks that are searched together. */
    private static final int TOGETHER = ScaleSearch.LANES / GROUPS;
    private static final float TINY = 1e-15f;

    @Override
    public DType type() {
        return DType.Q6_K;
    }

    @Override
    public void decode(MemorySegment src, long offset, float[] dst, int at, int count) {
        int blocks = Blocks.check(DType.Q6_K, src, offset, dst, at, count);
        for (int b = 0; b < blocks; b++) {
            long block = offset + (long) b * BYTES;
            float d = Blocks.half(src, block + SCALE);
            for (int half = 0; half < 2; half++) {
                for (int g = 0; g < 2; g++) {
                    long nibbles = block + 64 * half + GROUP * g;
                    long pairs = block + PAIRS + 32 * half + GROUP * g;
                    long scales = block + SCALES + 8 * half + g;
                    float d0 = d * src.get(Blocks.BYTE, scales);
                    float d1 = d * src.get(Blocks.BYTE, scales + 2);
                    float d2 = d * src.get(Blocks.BYTE, scales + 4);
                    float d3 = d * src.get(Blocks.BYTE, scales + 6);
                    int to = at + b * VALUES + 128 * half + GROUP * g;
                    for (int j = 0; j < GROUP; j++) {
                        int q02 = src.get(Blocks.BYTE, nibbles + j);
                        int q13 = src.get(Blocks.BYTE, nibbles + 32 + j);
                        int top = src.get(Blocks.BYTE, pairs + j);
                        dst[to + j] = d0 * ((q02 & 15 | (top & 3) << 4) - 32);
                        dst[to + 32 + j] = d1 * ((q13 & 15 | (top & 12) << 2) - 32);
                        dst[to + 64 + j] = d2 * ((q02 >> 4 & 15 | top & 48) - 32);
                        dst[to + 96 + j] = d3 * ((q13 >> 4 & 15 | (top & 192) >> 2) - 32);
                    }
                }
            }
        }
    }

    @Override
    public void encode(float[] src, int at, int count, Importance importance, MemorySegment dst, long offset) {
        int blocks = Blocks.checkFinite(DType.Q6_K, dst, offset, src, at, count);
        var search = new ScaleSearch(GROUP, RANGE);
        float[] scales = new float[GROUPS];
        byte[] q = new byte[VALUES];
        for (int first = 0; first < blocks; first += TOGETHER) {
            int n = Math.min(TOGETHER, blocks - first);
            for (int g = 0; g < n * GROUPS; g++) {
                int index = first * VALUES + g * GROUP;
                if (importance.isGiven()) {
                    search.put(g, src, at + index, importance.of(), importance.column(index));
                } else {
                    search.put(g, src, at + index);
                }
            }
            search.fit(n * GROUPS);
            for (int b = 0; b < n; b++) {
                for (int g = 0; g < GROUPS; g++) {
                    scales[g] = search.scale(GROUPS * b + g);
                    search.integers(GROUPS * b + g, q, GROUP * g);
                }
                store(src, at + (first + b) * VALUES, scales, q, dst, offset + (long) (first + b) * BYTES);
            }
        }
    }

    private static void store(float[] x, int from, float[] scales, byte[] q, MemorySegment dst, long block) {
        float peak = Groups.peak(scales, 0, GROUPS);
        if (Math.abs(peak) < TINY) {
            dst.asSlice(block, BYTES).fill((byte) 0);
            return;
        }
        // the group with the largest scale gets the one 8-bit scale that reaches furthest, -128
        float inverse = -128 / peak;
        float d = Blocks.putHalf(DType.Q6_K, 1 / inverse, dst, block + SCALE);
        for (int g = 0; g < GROUPS; g++) {
            int scale = Rounding.clamped(inverse * scales[g], -128, 127);
            dst.set(Blocks.BYTE, block + SCALES + g, (byte) scale);
            float step = d * scale;
            if (step == 0) {
                continue; // decodes to zeros whatever is stored
            }
            for (int j = GROUP * g; j < GROUP * (g + 1); j++) {
                q[j] = (byte) (Rounding.clamped(x[from + j] / step, -RANGE, RANGE - 1) + RANGE);
            }
        }
        pack(q, dst, block);
    }

    private static void pack(byte[] q, MemorySegment dst, long block) {
        for (int half = 0; half < 2; half++) {
            for (int j = 0; j < 32; j++) {
                int at = 128 * half + j;
                int q0 = q[at];
                int q1 = q[at + 32];
                int q2 = q[at + 64];
                int q3 = q[at + 96];
                dst.set(Blocks.BYTE, block + 64 * half + j, (byte) (q0 & 15 | (q2 & 15) << 4));
                dst.set(Blocks.BYTE, block + 64 * half + 32 + j, (byte) (q1 & 15 | (q3 & 15) << 4));
                dst.set(Blocks.BYTE, block + PAIRS + 32 * half + j, (byte) (q0 >> 4 | q1 >> 4 << 2 | q2 >> 4 << 4 | q3 >> 4 << 6));
            }
        }
    }
}
