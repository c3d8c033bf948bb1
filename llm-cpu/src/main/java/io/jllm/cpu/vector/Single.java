package io.jllm.cpu.vector;

import io.jllm.cpu.layout.Numbers.Integers;

/**
 * Loops of {@link VectorProducts} for a single token, straight from memory, and up to how many tokens they beat panels. Measured. Others have
 * panels alone.
 */
enum Single {
    NIBBLES(3), BYTES(4), FOUR_BITS(4), FIVE_BITS(4), SIX_BITS(7), TWO_BITS(7), THREE_BITS(7), CODES(3), NONE(0);

    private final int few;

    Single(int few) {
        this.few = few;
    }

    /** The loop for such numbers. */
    static Single of(Integers n) {
        if (n.planes().coded() && !VectorUnpack.fits(n)) {
            return CODES;
        }
        return switch (n.scales()) {
            case HALVES -> n.planes().bytes() ? BYTES : n.planes().extraBits() == 0 ? NIBBLES : FIVE_BITS;
            case SIX_BITS, HALVES_AND_MINIMA, BLOCK_BYTES, POWERS -> n.planes().extraBits() == 0 ? FOUR_BITS : FIVE_BITS;
            case BYTES -> n.planes().pairs() ? THREE_BITS : SIX_BITS;
            case FOUR_BITS -> TWO_BITS;
            case ZEROS_OF_ONE, ZEROS_OF_TWO, ZEROS_OF_FOUR -> n.planes().extraBits() == 0 ? FOUR_BITS : NONE;
            case FLOATS, SMALL_FLOATS -> NONE;
        };
    }

    /** Most tokens that are computed one by one. */
    int few() {
        return few;
    }
}
