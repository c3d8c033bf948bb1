package io.jllm.quant.codec;

/**
 * The eight scales and eight minima of 6 bits that a block of Q4_K or Q5_K packs into 12 bytes. Bytes 0 to 3 and 4 to 7 hold in
 * their low 6 bits scales and minima 0 to 3; bytes 8 to 11 hold the low 4 bits of scales (low nibbles) and minima (high
 * nibbles) 4 to 7, whose high 2 bits sit on top of bytes 0 to 3 and 4 to 7. Source: ggml.
 *
 * <p>The 12 bytes come as three little-endian ints, and four scales go out at a time, one a byte.
 */
final class KScales {
    private static final int LOW_6 = 0x3f3f3f3f;
    private static final int LOW_4 = 0x0f0f0f0f;
    private static final int LOW_2 = 0x03030303;

    private KScales() {
    }

    /** All eight scales, one a byte, the first in the lowest. */
    static long scales(int bytes0, int bytes8) {
        return join(bytes0 & LOW_6, bytes8 & LOW_4 | (bytes0 >>> 6 & LOW_2) << 4);
    }

    /** All eight minima, one a byte, the first in the lowest. */
    static long minima(int bytes4, int bytes8) {
        return join(bytes4 & LOW_6, bytes8 >>> 4 & LOW_4 | (bytes4 >>> 6 & LOW_2) << 4);
    }

    private static long join(int low, int high) {
        return Integer.toUnsignedLong(low) | (long) high << 32;
    }
}
