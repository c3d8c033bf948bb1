package io.jllm.grammar.mask;

import io.jllm.grammar.CodePoints;
import io.jllm.grammar.automaton.Machine;
import io.jllm.grammar.automaton.State;
import io.jllm.grammar.automaton.Utf8;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.IntStream;

/**
 * Tokens of whole characters of one set, by how many characters they have. Where a grammar takes any text of so many characters of the set, as
 * it does inside a string, all these tokens are allowed at once and none has to be looked at (the idea of llguidance's slices).
 */
final class Slice {
    /** Character counts that are told apart. */
    static final int COUNTS = 24;
    /** As a count: texts of any length. */
    static final int ANY = COUNTS + 1;
    /** As the level of a token: it is not of the set. */
    private static final byte OUTSIDE = 127;
    /** Most states that are followed at once. */
    private static final int FRONTIER = 8;

    private final List<int[]> sequences;
    private final TokenTrie all;
    /** For each token, how many characters it has. */
    private final byte[] levels;
    /** For each node of the tree, the highest level at or below it. */
    private final byte[] highest;
    private final long[][] masks = new long[ANY + 1][];
    private final int[] sizes = new int[ANY + 1];
    /** Tokens that are not of the set. */
    private final TokenTrie outside;
    /** These, and those of the set that have more characters than are counted. */
    private final TokenTrie outsideOrLong;

    Slice(CodePoints set, int words, int[] ids, byte[][] bytes, TokenTrie all) {
        sequences = Utf8.sequences(set);
        this.all = all;
        levels = new byte[words * Long.SIZE];
        for (int i = 0; i < ids.length; i++) {
            byte level = level(bytes[i]);
            levels[ids[i]] = level;
            if (level != OUTSIDE) {
                sizes[level]++;
            }
        }
        for (int count = 1; count <= ANY; count++) {
            sizes[count] += sizes[count - 1];
        }
        outside = above(ANY, ids, bytes);
        outsideOrLong = above(COUNTS, ids, bytes);
        highest = new byte[all.size()];
        for (int n = all.size() - 1; n >= 0; n--) {
            byte level = 0;
            for (int t = all.first(n); t < all.first(n + 1); t++) {
                level = (byte) Math.max(level, levels[all.id(t)]);
            }
            for (int child = n + 1; child < all.skip(n); child = all.skip(child)) {
                level = (byte) Math.max(level, highest[child]);
            }
            highest[n] = level;
        }
    }

    private TokenTrie above(int level, int[] ids, byte[][] bytes) {
        int[] places = IntStream.range(0, ids.length).filter(i -> levels[ids[i]] > level).toArray();
        return new TokenTrie(Arrays.stream(places).map(i -> ids[i]).toArray(), Arrays.stream(places).mapToObj(i -> bytes[i]).toArray(byte[][]::new));
    }

    private byte level(byte[] token) {
        int count = 0;
        for (int at = 0; at < token.length; count++) {
            int length = character(token, at);
            if (length == 0) {
                return OUTSIDE;
            }
            at += length;
        }
        return (byte) Math.min(count, ANY);
    }

    private int character(byte[] token, int at) {
        for (int[] s : sequences) {
            int length = s.length / 2;
            boolean fits = at + length <= token.length;
            for (int i = 0; i < length && fits; i++) {
                int b = token[at + i] & 0xFF;
                fits = b >= s[2 * i] && b <= s[2 * i + 1];
            }
            if (fits) {
                return length;
            }
        }
        return 0;
    }

    /** How many tokens have at most so many characters. */
    int size(int count) {
        return sizes[count];
    }

    /** Their bits. */
    synchronized long[] mask(int count) {
        if (masks[count] == null) {
            long[] mask = new long[levels.length / Long.SIZE];
            for (int t = 0; t < all.first(all.size()); t++) {
                int id = all.id(t);
                if (levels[id] <= count) {
                    mask[id / Long.SIZE] |= 1L << id;
                }
            }
            masks[count] = mask;
        }
        return masks[count];
    }

    /** The tree that is left to be walked where those of at most so many characters are allowed: {@link #covers} cuts it further. */
    TokenTrie rest(int count) {
        return count == ANY ? outside : count == COUNTS ? outsideOrLong : all;
    }

    /** Whether all tokens at a node and below have at most so many characters. */
    boolean covers(int node, int count) {
        return count < COUNTS && highest[node] <= count;
    }

    /**
     * How many characters of the set, whichever they are, may follow: up to {@link #COUNTS}, or {@link #ANY}.
     *
     * @param fits whether a state that they lead to is wanted
     */
    int free(Machine machine, State state, Predicate<State> fits) {
        Set<State> seen = new HashSet<>(Set.of(state));
        List<State> frontier = List.of(state);
        for (int count = 0; count < COUNTS; count++) {
            Set<State> found = new HashSet<>();
            for (State s : frontier) {
                if (!follow(machine, s, fits, found)) {
                    return count;
                }
            }
            found.removeAll(seen);
            if (found.isEmpty()) {
                return ANY;
            }
            if (found.size() > FRONTIER) {
                return count + 1;
            }
            seen.addAll(found);
            frontier = List.copyOf(found);
        }
        return COUNTS;
    }

    /** What may come after one character; false if not every one may. */
    private boolean follow(Machine machine, State state, Predicate<State> fits, Set<State> out) {
        for (int[] s : sequences) {
            List<State> at = List.of(state);
            for (int i = 0; i < s.length; i += 2) {
                List<State> next = new ArrayList<>(1);
                for (State from : at) {
                    State before = null;
                    for (int c = machine.classOf(s[i]); c <= machine.classOf(s[i + 1]); c++) {
                        State to = machine.after(from, c);
                        if (to == before) {
                            continue; // as most classes lead where the one before them leads
                        }
                        before = to;
                        if (to.dead()) {
                            return false;
                        }
                        if (!next.contains(to)) {
                            next.add(to);
                        }
                        if (next.size() > FRONTIER) {
                            return false;
                        }
                    }
                }
                at = next;
            }
            if (!at.stream().allMatch(fits)) {
                return false;
            }
            out.addAll(at);
        }
        return true;
    }
}
