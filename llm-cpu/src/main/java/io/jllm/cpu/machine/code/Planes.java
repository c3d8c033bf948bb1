package io.jllm.cpu.machine.code;

import io.jllm.cpu.layout.WeightFormat;
import io.jllm.cpu.machine.asm.Emitter;
import io.jllm.cpu.machine.asm.Simd;
import java.util.List;

/**
 * Where the bytes of a block's integers are: in four bits, and perhaps one or two more elsewhere, or in whole bytes. Half of a block at
 * a time becomes four vectors of bytes, each with four columns.
 *
 * @param extraBits above the lower four: 0, 1, 2 or, for whole bytes, 4
 * @param offset by how much they are larger than what they stand for: 0 or a power of two from 8 on
 * @param split whether a half of the block's vectors has columns of both its halves, as Q4_0 has it
 */
record Planes(int extraBits, int offset, boolean split) {
    private static final int LOW = 0x0f0f0f0f;
    private static final int BYTE = 0x01010101;
    private static final int NIBBLES = 4;
    private static final int NIBBLE_BYTES = NIBBLES * WeightFormat.VECTOR;

    static Planes of(WeightFormat format) {
        return switch (format) {
            case Q4_0 -> new Planes(0, 8, true);
            case Q4_K -> new Planes(0, 0, true);
            case Q5_K -> new Planes(1, 0, true);
            case Q6_K -> new Planes(2, 32, false);
            case Q8_0 -> new Planes(4, 128, false);
            case F16, BF16, F32 -> throw new IllegalArgumentException(format + " holds no integers");
        };
    }

    boolean bytes() {
        return extraBits == NIBBLES;
    }

    private int extraMask() {
        return ((1 << extraBits) - 1 << NIBBLES) * BYTE;
    }

    List<Integer> constants() {
        return bytes() ? List.of() : extraBits == 0 ? List.of(LOW) : List.of(LOW, extraMask());
    }

    /** Which columns, in fours, vector {@code k} of a half has. */
    int column(int half, int k) {
        return split ? k / 2 * NIBBLES + half * 2 + k % 2 : half * NIBBLES + k;
    }

    /** How many vectors' products with one token, pair by pair, can be summed in 16 bits. */
    int chain() {
        return extraBits == 2 ? 2 : NIBBLES;
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
        if (bytes()) {
            for (int k = 0; k < NIBBLES; k++) {
                load(e, to + k, half, k, block, part);
            }
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
        if (extraBits == 0) {
            return;
        }
        boolean own = extraBits == 2; // a vector for each half, or one for both
        e.load(more, BlockCode.weights(0, block + NIBBLE_BYTES + (own ? half * WeightFormat.VECTOR : 0) + part));
        for (int k = 0; k < NIBBLES; k++) {
            int left = NIBBLES - extraBits * (own ? k : k + NIBBLES * half);
            if (left == 0) {
                e.assembler().emit(Simd.VPOR, e.vec(more + 1), e.vec(more), e.vec(more));
            } else {
                e.shift(more + 1, more, left);
            }
            e.orAnd(to + k, more + 1, extraMask());
        }
    }
}
