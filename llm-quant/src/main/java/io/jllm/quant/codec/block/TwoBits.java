package io.jllm.quant.codec.block;

import java.lang.foreign.MemorySegment;

/**
 * 256 numbers of 2 bits in 64 bytes, as Q2_K and Q3_K pack them: each half of the block (128 numbers, 32 bytes) is four runs of 32
 * numbers, of which run r has bits 2r and 2r + 1 of its bytes. Source: ggml.
 */
public final class TwoBits {
    private TwoBits() {
    }

    /** Packs the low two bits of numbers. */
    public static void put(byte[] q, MemorySegment dst, long offset) {
        for (int half = 0; half < 2; half++) {
            for (int j = 0; j < 32; j++) {
                int at = 128 * half + j;
                int byteOf4 = q[at] & 3 | (q[at + 32] & 3) << 2 | (q[at + 64] & 3) << 4 | (q[at + 96] & 3) << 6;
                dst.set(Blocks.BYTE, offset + 32 * half + j, (byte) byteOf4);
            }
        }
    }
}
