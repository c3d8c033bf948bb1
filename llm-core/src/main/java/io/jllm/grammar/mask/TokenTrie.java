package io.jllm.grammar.mask;

import java.util.Arrays;

/**
 * Tokens by their bytes, as a tree in the order of a walk through it: each node before its children, and for each where the next one begins
 * that is no child of it. Immutable.
 */
final class TokenTrie {
    private final byte[] labels;
    private final short[] depths;
    private final int[] skips;
    /** Where in the ids those of each node begin; one more at the end. */
    private final int[] firsts;
    private final int[] ids;

    /**
     * @param ids of tokens
     * @param bytes of each of them, in unsigned order; not empty, at most 32,767 long
     */
    TokenTrie(int[] ids, byte[][] bytes) {
        this.ids = ids;
        int room = 0;
        byte[] before = {};
        for (byte[] b : bytes) {
            room += b.length - common(before, b);
            before = b;
        }
        labels = new byte[room];
        depths = new short[room];
        skips = new int[room];
        firsts = new int[room + 1];
        int[] path = new int[Short.MAX_VALUE + 1];
        int nodes = 0;
        before = new byte[0];
        for (int i = 0; i < bytes.length; i++) {
            byte[] b = bytes[i];
            int common = common(before, b);
            for (int d = before.length - 1; d >= common; d--) {
                skips[path[d]] = nodes;
            }
            for (int d = common; d < b.length; d++) {
                labels[nodes] = b[d];
                depths[nodes] = (short) d;
                firsts[nodes] = i; // those on the way to a longer token have none of their own
                path[d] = nodes++;
            }
            before = b;
        }
        for (int d = before.length - 1; d >= 0; d--) {
            skips[path[d]] = nodes;
        }
        firsts[nodes] = ids.length;
    }

    private static int common(byte[] a, byte[] b) {
        int different = Arrays.mismatch(a, b);
        return different < 0 ? a.length : different;
    }

    /**
     * How few tokens write the rest of a text.
     *
     * @param from where the rest begins
     * @param behind for each later place how many tokens write the rest from there, {@link Endings#FAR} if none do
     */
    int fewest(byte[] text, int from, int[] behind) {
        int best = Endings.FAR;
        int end = labels.length;
        int n = 0;
        for (int at = from; at < text.length; at++) {
            while (n < end && labels[n] != text[at]) {
                n = skips[n];
            }
            if (n >= end) {
                return best;
            }
            if (firsts[n] < firsts[n + 1] && behind[at + 1] < best) {
                best = behind[at + 1] + 1;
            }
            end = skips[n++];
        }
        return best;
    }

    /** How many nodes. */
    int size() {
        return labels.length;
    }

    int label(int node) {
        return labels[node] & 0xFF;
    }

    /** How many bytes come before its own. */
    int depth(int node) {
        return depths[node];
    }

    /** The next node that is not below it. */
    int skip(int node) {
        return skips[node];
    }

    /** Where its tokens begin; they end where those of the next node begin, and those below it where those of {@link #skip} begin. */
    int first(int node) {
        return firsts[node];
    }

    int id(int place) {
        return ids[place];
    }
}
