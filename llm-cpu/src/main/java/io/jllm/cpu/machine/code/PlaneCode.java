package io.jllm.cpu.machine.code;

import io.jllm.cpu.layout.Planes;
import io.jllm.cpu.layout.WeightFormat;
import io.jllm.cpu.machine.asm.Emitter;
import io.jllm.cpu.machine.asm.Simd;
import java.util.List;

/**
 * Takes integers of a block out of memory as {@link Planes} says: half of a block at a time becomes four vectors of bytes, each with four
 * columns. A fifth or sixth bit is shifted to its place in all bytes at once, for a mask takes away what comes over from neighbours:
 *
 * <pre>{@code
 * v0 = nibbles, v1 = next nibbles
 * v2 = v0 >> 4, v3 = v1 >> 4
 * v0..v3 &= 0x0f0f0f0f
 * v0..v3 |= (further bits << or >> to bit 4) & mask
 * v0..v3 = table[v0..v3]                                  // where there is one; bytes 0 to 15
 * }</pre>
 *
 * <p>Pairs of bits are one vector for half of a block:
 *
 * <pre>{@code
 * v0 = pairs, v1 = v0 >> 2, v2 = v0 >> 4, v3 = v0 >> 6
 * v0..v3 &= 0x03030303
 * v0..v3 |= (third bits << or >> to bit 2) & 0x04040404
 * }</pre>
 */
record PlaneCode(Planes planes) {
    private static final int LOW = 0x0f0f0f0f;
    private static final int BYTE = 0x01010101;
    private static final int PAIR = 0x03030303;
    private static final int THIRD = 0x04040404;
    private static final int PAIR_BITS = 2;
    private static final int NIBBLES = Planes.NIBBLES;
    private static final int NIBBLE_BYTES = NIBBLES * WeightFormat.VECTOR;

    private int extraMask() {
        return ((1 << planes.extraBits()) - 1 << NIBBLES) * BYTE;
    }

    List<Integer> constants() {
        if (planes.pairs()) {
            return planes.three() ? List.of(PAIR, THIRD) : List.of(PAIR);
        }
        return planes.bytes() ? List.of() : planes.extraBits() == 0 ? List.of(LOW) : List.of(LOW, extraMask());
    }

    /** What nibbles stand for, if that is in a table, with the offset added but where bytes are signed. */
    byte[] table(boolean signed) {
        return planes.book().bytes(signed ? 0 : planes.offset());
    }

    /** How many vectors' products with one token, pair by pair, can be summed in 16 bits. */
    int chain() {
        return planes.extraBits() == 2 ? 2 : NIBBLES;
    }

    /** Loads vector {@code k} of a half that consists of bytes. */
    void load(Emitter e, int to, int half, int k, int block, int part) {
        e.load(to, BlockCode.weights(0, block + (half * NIBBLES + k) * WeightFormat.VECTOR + part));
    }

    /**
     * Loads all four vectors of a half into registers from {@code to} on.
     *
     * @param block where the block is
     * @param part where in each vector to begin
     * @param more two registers to work with
     */
    void unpack(Emitter e, int to, int half, int block, int part, int more) {
        if (planes.bytes()) {
            for (int k = 0; k < NIBBLES; k++) {
                load(e, to + k, half, k, block, part);
            }
            return;
        }
        if (planes.pairs()) {
            pairs(e, to, half, block, part, more);
            return;
        }
        int pair = block + 2 * half * WeightFormat.VECTOR + part;
        for (int k = 0; k < 2; k++) {
            e.load(to + k, BlockCode.weights(0, pair + k * WeightFormat.VECTOR));
            e.shift(to + 2 + k, to + k, -NIBBLES);
        }
        for (int k = 0; k < NIBBLES; k++) {
            e.and(to + k, to + k, LOW);
        }
        if (planes.coded()) {
            e.lookUp(to, NIBBLES, more);
        }
        if (planes.extraBits() == 0) {
            return;
        }
        boolean own = planes.extraBits() == 2; // a vector for each half, or one for both
        e.load(more, BlockCode.weights(0, block + NIBBLE_BYTES + (own ? half * WeightFormat.VECTOR : 0) + part));
        upper(e, to, more, NIBBLES - (own ? 0 : NIBBLES * half), planes.extraBits(), extraMask());
    }

    private void pairs(Emitter e, int to, int half, int block, int part, int more) {
        e.load(to, BlockCode.weights(0, block + half * WeightFormat.VECTOR + part));
        for (int k = 1; k < NIBBLES; k++) {
            e.shift(to + k, to, -PAIR_BITS * k);
        }
        for (int k = 0; k < NIBBLES; k++) {
            e.and(to + k, to + k, PAIR);
        }
        if (planes.three()) {
            e.load(more, BlockCode.weights(0, block + 2 * WeightFormat.VECTOR + part));
            upper(e, to, more, PAIR_BITS - NIBBLES * half, 1, THIRD);
        }
    }

    /**
     * Adds upper bits to four vectors.
     *
     * @param more where they are; the register behind it is free
     * @param left by how much they are shifted to the left for the first vector
     * @param bits how many, and so by how much less for the next one
     */
    private static void upper(Emitter e, int to, int more, int left, int bits, int mask) {
        for (int k = 0; k < NIBBLES; k++) {
            int by = left - bits * k;
            if (by == 0) {
                e.assembler().emit(Simd.VPOR, e.vec(more + 1), e.vec(more), e.vec(more));
            } else {
                e.shift(more + 1, more, by);
            }
            e.orAnd(to + k, more + 1, mask);
        }
    }
}
