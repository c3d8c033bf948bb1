package io.jllm.quant.codec.grid;

import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.codec.block.Blocks;
import java.lang.foreign.MemorySegment;

/**
 * 256 values in 56 bytes: 32 bytes of points, 16 bytes of their upper bits, 4 little-endian shorts of scales. A point of the grid of
 * {@link IQ1_S} is 8 values: its lower 8 bits are a byte, and a nibble holds its upper 3 and above them the sign of its shift. A short holds in
 * its lower 12 bits four scales s of 3 bits, each for 16 values; the upper 4 bits of the four shorts together are d in half precision, the
 * lowest in the first: {@code value = d (2 s + 1) (point + or - 1/8)}. Source: ggml.
 */
public final class IQ1_M implements Codec {
    private static final int VALUES = 256;
    private static final int BYTES = 56;
    private static final int UPPER = 32;
    private static final int SCALES = 48;

    @Override
    public DType type() {
        return DType.IQ1_M;
    }

    @Override
    public byte[] grid() {
        return Grid.IQ1_S.bytes();
    }

    @Override
    public void decode(MemorySegment src, long offset, float[] dst, int at, int count) {
        int blocks = Blocks.check(DType.IQ1_M, src, offset, dst, at, count);
        for (int b = 0; b < blocks; b++) {
            long block = offset + (long) b * BYTES;
            float d = scale(src, block + SCALES);
            for (int g = 0; g < VALUES / 32; g++) {
                int scales = src.get(Blocks.SHORT, block + SCALES + g / 2 * 2) >> 6 * (g % 2);
                int points = src.get(Blocks.INT, block + 4 * g);
                int nibbles = src.get(Blocks.SHORT, block + UPPER + 2 * g);
                int to = at + b * VALUES + 32 * g;
                for (int l = 0; l < 4; l++) {
                    float scale = d * (2 * (scales >> 3 * (l / 2) & 7) + 1);
                    int nibble = nibbles >> 4 * l;
                    int point = points >>> 8 * l & 255 | (nibble & 7) << 8;
                    float shift = (1 - (nibble >> 2 & 2)) * IQ1_S.SHIFT; // not a branch: it cannot be foretold
                    Grid.IQ1_S.putShifted(point, scale, shift, dst, to + 8 * l);
                }
            }
        }
    }

    private static float scale(MemorySegment src, long offset) {
        int bits = 0;
        for (int i = 0; i < 4; i++) {
            bits |= (src.get(Blocks.SHORT, offset + 2 * i) >> 12 & 15) << 4 * i;
        }
        return Float.float16ToFloat((short) bits);
    }
}
