package io.jllm.sampling;

/**
 * A counter-based random source, Philox4x32 with 10 rounds: a keyed bijection of 128-bit counters, with no state to carry from
 * one draw to the next, so that a draw depends on its key and its counter alone.
 * Source: Salmon, Moraes, Dror and Shaw, Parallel random numbers: as easy as 1, 2, 3, SC 2011.
 *
 * <p>An instance holds the last block only; it belongs to one thread at a time.
 */
public final class Philox {
    private static final int ROUNDS = 10;
    private static final int MULTIPLIER_0 = 0xD2511F53;
    private static final int MULTIPLIER_1 = 0xCD9E8D57;
    private static final int WEYL_0 = 0x9E3779B9;
    private static final int WEYL_1 = 0xBB67AE85;
    private static final double TO_UNIT = 0x1p-53;

    private final int[] words = new int[4];

    /** A source; what it draws depends on the arguments of each draw only. */
    public Philox() {
    }

    /**
     * A number in [0, 1), one of 2^53 evenly spaced ones.
     *
     * @param seed the key
     * @param position the counter
     */
    public double uniform(long seed, long position) {
        block((int) position, (int) (position >>> 32), 0, 0, (int) seed, (int) (seed >>> 32));
        long bits = (words[0] & 0xFFFFFFFFL) << 32 | words[1] & 0xFFFFFFFFL;
        return (bits >>> 11) * TO_UNIT;
    }

    /**
     * The four words of one counter under one key, as the paper orders them.
     *
     * @param c0 counter, first word
     * @param c1 counter, second word
     * @param c2 counter, third word
     * @param c3 counter, fourth word
     * @param k0 key, first word
     * @param k1 key, second word
     * @param out receives four words
     */
    public void block(int c0, int c1, int c2, int c3, int k0, int k1, int[] out) {
        block(c0, c1, c2, c3, k0, k1);
        System.arraycopy(words, 0, out, 0, words.length);
    }

    private void block(int c0, int c1, int c2, int c3, int k0, int k1) {
        for (int round = 0; round < ROUNDS; round++) {
            long p0 = (MULTIPLIER_0 & 0xFFFFFFFFL) * (c0 & 0xFFFFFFFFL);
            long p1 = (MULTIPLIER_1 & 0xFFFFFFFFL) * (c2 & 0xFFFFFFFFL);
            c0 = (int) (p1 >>> 32) ^ c1 ^ k0;
            c1 = (int) p1;
            c2 = (int) (p0 >>> 32) ^ c3 ^ k1;
            c3 = (int) p0;
            k0 += WEYL_0;
            k1 += WEYL_1;
        }
        words[0] = c0;
        words[1] = c1;
        words[2] = c2;
        words[3] = c3;
    }
}
