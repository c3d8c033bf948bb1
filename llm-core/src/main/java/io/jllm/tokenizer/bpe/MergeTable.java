package io.jllm.tokenizer.bpe;

import java.util.Arrays;

/** Pairs of symbols that merge: in which rank, and into which symbol. A few bytes each, since vocabularies have hundreds of thousands. */
final class MergeTable {
    /** No pair, and the rank of none: after all others. */
    static final int NONE = Integer.MAX_VALUE;
    private static final long EMPTY = -1;
    /** Knuth's multiplicative hashing: 2 to the 64th by the golden ratio. */
    private static final long GOLDEN = 0x9E3779B97F4A7C15L;

    private long[] pairs;
    private int[] ranks;
    private int[] results;
    private int shift;
    private int size;

    /** With room for so many; it grows. */
    MergeTable(int expected) {
        allocate(Math.max(4, Integer.SIZE - Integer.numberOfLeadingZeros(expected)) + 1);
    }

    private void allocate(int bits) {
        pairs = new long[1 << bits];
        Arrays.fill(pairs, EMPTY);
        ranks = new int[pairs.length];
        results = new int[pairs.length];
        shift = Long.SIZE - bits;
    }

    /**
     * Puts a pair of symbols, which are not negative.
     *
     * @param rank the lower, the sooner it merges
     * @param replace whether it takes the place of an equal pair that is there, or leaves it
     */
    void put(int left, int right, int rank, int result, boolean replace) {
        if (2 * (size + 1) > pairs.length) {
            grow();
        }
        long pair = pair(left, right);
        int place = place(pair);
        if (pairs[place] == EMPTY) {
            pairs[place] = pair;
            size++;
        } else if (!replace) {
            return;
        }
        ranks[place] = rank;
        results[place] = result;
    }

    private void grow() {
        long[] oldPairs = pairs;
        int[] oldRanks = ranks;
        int[] oldResults = results;
        allocate(Long.SIZE - shift + 1);
        for (int i = 0; i < oldPairs.length; i++) {
            if (oldPairs[i] != EMPTY) {
                int place = place(oldPairs[i]);
                pairs[place] = oldPairs[i];
                ranks[place] = oldRanks[i];
                results[place] = oldResults[i];
            }
        }
    }

    private static long pair(int left, int right) {
        return (long) left << Integer.SIZE | right;
    }

    /** Where it is, or would be. */
    private int place(long pair) {
        int place = (int) (pair * GOLDEN >>> shift);
        while (pairs[place] != EMPTY && pairs[place] != pair) {
            place = place + 1 & pairs.length - 1;
        }
        return place;
    }

    /** The rank of a pair, {@link #NONE} if it does not merge. */
    int rank(int left, int right) {
        int place = place(pair(left, right));
        return pairs[place] == EMPTY ? NONE : ranks[place];
    }

    /** What a pair that merges becomes. */
    int result(int left, int right) {
        return results[place(pair(left, right))];
    }
}
