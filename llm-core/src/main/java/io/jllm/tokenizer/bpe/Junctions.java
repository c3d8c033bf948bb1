package io.jllm.tokenizer.bpe;

/**
 * Which characters merges can bring together: the last of a left part and the first of a right one. Where two others meet in a text no
 * merge ever reaches across, so it may be cut there. Kept as a set of hashes: a collision costs a cut, never an id.
 */
final class Junctions {
    private static final int BITS = 20;
    private static final long GOLDEN = 0x9E3779B97F4A7C15L;

    private final long[] words = new long[1 << BITS - 6];

    void add(int last, int first) {
        int hash = hash(last, first);
        words[hash >> 6] |= 1L << hash;
    }

    boolean mayJoin(int last, int first) {
        int hash = hash(last, first);
        return (words[hash >> 6] & 1L << hash) != 0;
    }

    private static int hash(int last, int first) {
        return (int) (((long) last << Integer.SIZE | first) * GOLDEN >>> Long.SIZE - BITS);
    }
}
