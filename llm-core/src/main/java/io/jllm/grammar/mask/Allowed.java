package io.jllm.grammar.mask;

import java.util.Arrays;
import java.util.OptionalInt;

/**
 * Tokens that may come next: those of a shared mask, and some more.
 *
 * @param base a mask that is not to be changed; empty for none
 * @param more ids
 * @param room about how many ints it keeps to itself
 * @param farthest at most so many bytes from an end any of them leads
 */
record Allowed(long[] base, int[] more, int room, long farthest) {
    /** The only one, if there is only one. */
    OptionalInt only() {
        return base.length == 0 && more.length == 1 ? OptionalInt.of(more[0]) : OptionalInt.empty();
    }

    /** Sets the bits of these and clears all others. */
    void fill(long[] bits) {
        System.arraycopy(base, 0, bits, 0, base.length);
        Arrays.fill(bits, base.length, bits.length, 0);
        for (int id : more) {
            bits[id / Long.SIZE] |= 1L << id;
        }
    }
}
