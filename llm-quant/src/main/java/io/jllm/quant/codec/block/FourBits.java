package io.jllm.quant.codec.block;

import java.lang.foreign.MemorySegment;

/** 32 numbers of 4 bits in 16 bytes: byte j holds number j in its low nibble and number j + 16 in its high one. Source: ggml. */
public final class FourBits {
    private static final int HALF = 16;

    private FourBits() {
    }

    /** Packs 32 numbers, 0 to 15, from an index on. */
    public static void put(byte[] q, int at, MemorySegment dst, long offset) {
        for (int j = 0; j < HALF; j++) {
            dst.set(Blocks.BYTE, offset + j, (byte) (q[at + j] | q[at + HALF + j] << 4));
        }
    }
}
