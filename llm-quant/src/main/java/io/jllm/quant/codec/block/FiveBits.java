package io.jllm.quant.codec.block;

import java.lang.foreign.MemorySegment;

/**
 * 32 numbers of 5 bits in 20 bytes, as Q5_0 and Q5_1 pack them: a little-endian int whose bit j is the fifth bit of number j, then 16
 * bytes of which byte j holds number j in its low nibble and number j + 16 in its high one. Source: ggml.
 */
public final class FiveBits {
    private static final int HALF = 16;

    private FiveBits() {
    }

    /** Reads the numbers, 0 to 31, that are packed at an offset. */
    public static void get(MemorySegment src, long offset, byte[] q) {
        int fifth = src.get(Blocks.INT, offset);
        for (int j = 0; j < HALF; j++) {
            int pair = src.get(Blocks.BYTE, offset + 4 + j);
            q[j] = (byte) (pair & 15 | (fifth >>> j & 1) << 4);
            q[j + HALF] = (byte) (pair >> 4 & 15 | (fifth >>> j + HALF & 1) << 4);
        }
    }

    /** Packs numbers, 0 to 31. */
    public static void put(byte[] q, MemorySegment dst, long offset) {
        int fifth = 0;
        for (int j = 0; j < HALF; j++) {
            fifth |= q[j] >> 4 << j | q[j + HALF] >> 4 << j + HALF;
            dst.set(Blocks.BYTE, offset + 4 + j, (byte) (q[j] & 15 | (q[j + HALF] & 15) << 4));
        }
        dst.set(Blocks.INT, offset, fifth);
    }
}
