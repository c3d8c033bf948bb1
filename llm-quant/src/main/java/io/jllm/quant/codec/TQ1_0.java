package io.jllm.quant.codec;

import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.Encoder;
import io.jllm.quant.codec.block.Blocks;
import io.jllm.quant.codec.block.Groups;
import java.lang.foreign.MemorySegment;

/**
 * 256 values of -1, 0 and 1 times d: {@code value = (digit - 1) d}. A byte holds five digits of base 3, the first value's highest, as the
 * fraction that they are of 243, in 256ths and rounded up: its product with 3 has the first digit above 8 bits and the others below, and so on.
 * Layout: 32 bytes for 160 values, byte j for values j, j + 32, ...; 16 bytes for the next 80 in the same way; 4 bytes for the last 16, four
 * digits each; d in half precision. The encoder takes the largest magnitude as d, and rounds halves away from zero. Source of both: ggml.
 */
final class TQ1_0 implements Codec, Encoder {
    private static final int VALUES = 256;
    private static final int BYTES = 54;
    private static final int SCALE = 52;
    /** First byte, bytes, first value and digits a byte of each part. */
    private static final int[][] PARTS = {{0, 32, 0, 5}, {32, 16, 160, 5}, {48, 4, 240, 4}};

    @Override
    public DType type() {
        return DType.TQ1_0;
    }

    @Override
    public void decode(MemorySegment src, long offset, float[] dst, int at, int count) {
        int blocks = Blocks.check(DType.TQ1_0, src, offset, dst, at, count);
        for (int b = 0; b < blocks; b++) {
            long block = offset + (long) b * BYTES;
            float d = Blocks.half(src, block + SCALE);
            for (int[] part : PARTS) {
                for (int j = 0; j < part[1]; j++) {
                    int fraction = src.get(Blocks.BYTE, block + part[0] + j) & 255;
                    for (int digit = 0; digit < part[3]; digit++) {
                        int times3 = 3 * fraction;
                        dst[at + b * VALUES + part[2] + digit * part[1] + j] = ((times3 >> 8) - 1) * d;
                        fraction = times3 & 255;
                    }
                }
            }
        }
    }

    @Override
    public void encode(float[] src, int at, int count, MemorySegment dst, long offset) {
        int blocks = Blocks.checkFinite(DType.TQ1_0, dst, offset, src, at, count);
        for (int b = 0; b < blocks; b++) {
            int from = at + b * VALUES;
            long block = offset + (long) b * BYTES;
            float d = Math.abs(Groups.peak(src, from, VALUES));
            float inverse = d == 0 ? 0 : 1 / d;
            Blocks.putHalf(DType.TQ1_0, d, dst, block + SCALE);
            for (int[] part : PARTS) {
                for (int j = 0; j < part[1]; j++) {
                    int number = 0;
                    for (int digit = 0; digit < 5; digit++) {
                        number = 3 * number + (digit < part[3] ? TQ2_0.digit(src[from + part[2] + digit * part[1] + j] * inverse) : 0);
                    }
                    dst.set(Blocks.BYTE, block + part[0] + j, (byte) ((number * 256 + 242) / 243));
                }
            }
        }
    }
}
