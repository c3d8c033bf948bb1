package io.jllm.quant.codec;

import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.Encoder;
import io.jllm.quant.codec.block.Blocks;
import io.jllm.quant.codec.block.Groups;
import io.jllm.quant.codec.block.SmallFloats;
import java.lang.foreign.MemorySegment;

/**
 * 32 values of 4 bits, floats with two bits of exponent and one of mantissa (E2M1), that share a power of two. Layout: the power in one
 * byte, 127 more than it is, then 16 bytes of which byte j holds value j in its low nibble and value j + 16 in its high one. The encoder
 * takes the power under which the largest value still fits, and the nearest value; of two that are equally near the one of the lower
 * number. Source: Open Compute Project, Microscaling Formats 1.0, 2023; of the layout and the encoder: ggml.
 */
final class MXFP4 implements Codec, Encoder {
    private static final int VALUES = 32;
    private static final int BYTES = 17;
    /** The exponent of the largest float, 6. */
    private static final int LARGEST_EXPONENT = 2;
    private static final int BIAS = 127;

    @Override
    public DType type() {
        return DType.MXFP4;
    }

    @Override
    public void decode(MemorySegment src, long offset, float[] dst, int at, int count) {
        int blocks = Blocks.check(DType.MXFP4, src, offset, dst, at, count);
        for (int b = 0; b < blocks; b++) {
            long block = offset + (long) b * BYTES;
            float half = half(src.get(Blocks.BYTE, block) & 0xff);
            int to = at + b * VALUES;
            for (int j = 0; j < 16; j++) {
                int pair = src.get(Blocks.BYTE, block + 1 + j);
                dst[to + j] = SmallFloats.twice(pair) * half;
                dst[to + 16 + j] = SmallFloats.twice(pair >> 4) * half;
            }
        }
    }

    @Override
    public void encode(float[] src, int at, int count, MemorySegment dst, long offset) {
        int blocks = Blocks.checkFinite(DType.MXFP4, dst, offset, src, at, count);
        for (int b = 0; b < blocks; b++) {
            int from = at + b * VALUES;
            int power = power(Math.abs(Groups.peak(src, from, VALUES)));
            float half = half(power);
            long block = offset + (long) b * BYTES;
            dst.set(Blocks.BYTE, block, (byte) power);
            for (int j = 0; j < 16; j++) {
                dst.set(Blocks.BYTE, block + 1 + j, (byte) (nearest(src[from + j], half) | nearest(src[from + 16 + j], half) << 4));
            }
        }
    }

    /** Half of 2^(power - 127); the two smallest powers have halves below the normal floats. */
    private static float half(int power) {
        return Float.intBitsToFloat(power < 2 ? 0x00200000 << power : power - 1 << 23);
    }

    /** By a logarithm that is rounded to float, as ggml has it: a value just below a power of two may count as that. */
    private static int power(float largest) {
        double log = (float) (Math.log(largest) / Math.log(2));
        return largest == 0 ? 0 : Math.max(0, (int) Math.floor(log) - LARGEST_EXPONENT + BIAS);
    }

    private static int nearest(float x, float half) {
        int best = 0;
        float least = Math.abs(x);
        for (int i = 1; i < SmallFloats.COUNT; i++) {
            float distance = Math.abs(SmallFloats.twice(i) * half - x);
            if (distance < least) {
                best = i;
                least = distance;
            }
        }
        return best;
    }
}
