package io.jllm.quant.codec;

import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.Encoder;
import java.lang.foreign.MemorySegment;

/**
 * 256 values of 2 bits in sixteen groups of 16, each with a scale and a minimum of 4 bits: {@code value = d scale q - dmin minimum}.
 * Layout: 16 bytes of scales (low nibbles) and minima (high ones), 64 bytes of numbers as {@link TwoBits}, d and dmin in half
 * precision. The encoder takes scales and minima from {@link RangeSearch}, then rounds under what was stored of them. Source of
 * both: ggml.
 */
final class Q2_K implements Codec, Encoder {
    private static final int VALUES = 256;
    private static final int BYTES = 84;
    private static final int NUMBERS = 16;
    private static final int SCALE = 80;
    private static final int MINIMUM = 82;
    private static final int GROUP = 16;
    private static final int GROUPS = VALUES / GROUP;
    private static final int GREATEST = 3;
    private static final float GREATEST_SCALE = 15;

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
    public void encode(float[] src, int at, int count, MemorySegment dst, long offset) {
        int blocks = Blocks.checkFinite(DType.Q2_K, dst, offset, src, at, count);
        var search = new RangeSearch(GROUP, GREATEST);
        float[] scales = new float[GROUPS];
        float[] minima = new float[GROUPS];
        byte[] q = new byte[VALUES];
        for (int b = 0; b < blocks; b++) {
            int from = at + b * VALUES;
            for (int g = 0; g < GROUPS; g++) {
                scales[g] = search.fit(src, from + GROUP * g, q, GROUP * g);
                minima[g] = search.minimum();
            }
            encodeBlock(src, from, scales, minima, q, dst, offset + (long) b * BYTES);
        }
    }

    private static void encodeBlock(float[] x, int from, float[] scales, float[] minima, byte[] q, MemorySegment dst, long block) {
        float scaleLimit = Math.max(0, Groups.greatest(scales, 0, GROUPS));
        float minimumLimit = Math.max(0, Groups.greatest(minima, 0, GROUPS));
        float d = Blocks.putHalf(DType.Q2_K, scaleLimit / GREATEST_SCALE, dst, block + SCALE);
        float dmin = Blocks.putHalf(DType.Q2_K, minimumLimit / GREATEST_SCALE, dst, block + MINIMUM);
        for (int g = 0; g < GROUPS; g++) {
            int scale = steps(scales[g], scaleLimit);
            int minimum = steps(minima[g], minimumLimit);
            dst.set(Blocks.BYTE, block + g, (byte) (scale | minimum << 4));
            float step = d * scale;
            if (step == 0) {
                continue; // decodes to the minimum whatever is stored
            }
            for (int j = GROUP * g; j < GROUP * (g + 1); j++) {
                q[j] = (byte) Math.clamp((int) Math.rint((x[from + j] + dmin * minimum) / step), 0, GREATEST);
            }
        }
        TwoBits.put(q, dst, block + NUMBERS);
    }

    /** A number of 4 bits for a value from 0 to a limit. */
    private static int steps(float value, float limit) {
        return limit > 0 ? (int) Math.rint(GREATEST_SCALE / limit * value) : 0;
    }
}
