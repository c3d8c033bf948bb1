package io.jllm.quant.codec.block;

import java.lang.foreign.MemorySegment;

/**
 * The eight scales and eight minima of 6 bits that a block of Q4_K or Q5_K packs into 12 bytes. Bytes 0 to 3 and 4 to 7 hold in
 * their low 6 bits scales and minima 0 to 3; bytes 8 to 11 hold the low 4 bits of scales (low nibbles) and minima (high
 * nibbles) 4 to 7, whose high 2 bits sit on top of bytes 0 to 3 and 4 to 7. Source: ggml.
 *
 * <p>The 12 bytes come as three little-endian ints, and four scales go out at a time, one a byte.
 */
public final class KScales {
    private static final int LOW_6 = 0x3f3f3f3f;
    private static final int LOW_4 = 0x0f0f0f0f;
    private static final int LOW_2 = 0x03030303;

    private KScales() {
    }

    /** All eight scales, one a byte, the first in the lowest. */
    public static long scales(int bytes0, int bytes8) {
        return join(bytes0 & LOW_6, bytes8 & LOW_4 | (bytes0 >>> 6 & LOW_2) << 4);
    }

    /** All eight minima, one a byte, the first in the lowest. */
    public static long minima(int bytes4, int bytes8) {
        return join(bytes4 & LOW_6, bytes8 >>> 4 & LOW_4 | (bytes4 >>> 6 & LOW_2) << 4);
    }

    /** Packs eight scales and eight minima, 0 to 63. */
    public static void put(int[] scales, int[] minima, MemorySegment dst, long offset) {
        for (int j = 0; j < 4; j++) {
            int scale = scales[j + 4];
            int minimum = minima[j + 4];
            dst.set(Blocks.BYTE, offset + j, (byte) (scales[j] | scale >> 4 << 6));
            dst.set(Blocks.BYTE, offset + 4 + j, (byte) (minima[j] | minimum >> 4 << 6));
            dst.set(Blocks.BYTE, offset + 8 + j, (byte) (scale & 15 | (minimum & 15) << 4));
        }
    }

    private static long join(int low, int high) {
        return Integer.toUnsignedLong(low) | (long) high << 32;
    }
}
