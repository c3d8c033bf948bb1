package io.jllm.tokenizer;

import java.util.Arrays;

/** A set of pairs of token ids, for a number of pairs that is known before: a few bytes each. */
final class PairSet {
    private static final long EMPTY = -1;
    /** Knuth's multiplicative hashing: 2 to the 64th by the golden ratio. */
    private static final long GOLDEN = 0x9E3779B97F4A7C15L;

    private final long[] places;

    /** For at most so many pairs. */
    PairSet(int most) {
        places = new long[Integer.highestOneBit(Math.max(most + most / 2, 1)) * 2];
        Arrays.fill(places, EMPTY);
    }

    /** Puts a pair of ids, which are not negative, into the set; false if it is there already. */
    boolean add(int left, int right) {
        long pair = (long) left << Integer.SIZE | right;
        int place = (int) (pair * GOLDEN >>> Long.numberOfLeadingZeros(places.length) + 1);
        while (places[place] != EMPTY) {
            if (places[place] == pair) {
                return false;
            }
            place = place + 1 & places.length - 1;
        }
        places[place] = pair;
        return true;
    }
}
