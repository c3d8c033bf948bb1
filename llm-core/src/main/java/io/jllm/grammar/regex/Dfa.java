package io.jllm.grammar.regex;

import io.jllm.grammar.CodePoints;
import io.jllm.grammar.Expr;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * A regular language of texts, as the smallest automaton with one way by each code point: what can be intersected, complemented and compared.
 * State 0 begins; a way that is missing leads to failure. Immutable.
 */
public final class Dfa {
    /** Most states of an automaton, and most ways. */
    static final int MAX_STATES = 20_000;
    private static final int MAX_WAYS = 4_000_000;
    private static final int FAIL = -1;

    /** First code points of the parts into which the alphabet is cut; the first is 0. */
    private final int[] cuts;
    /** For each state and part, where it leads. */
    private final int[][] next;
    private final boolean[] ends;

    private Dfa(int[] cuts, int[][] next, boolean[] ends) {
        this.cuts = cuts;
        this.next = next;
        this.ends = ends;
    }

    /**
     * The texts that an expression matches wholly.
     *
     * @throws IllegalArgumentException if it is too large
     */
    public static Dfa of(Regex regex) {
        return new Subsets(regex).build();
    }

    /** As {@link Regex#parse} and {@link #of(Regex)}. */
    public static Dfa of(String pattern) {
        return of(Regex.parse(pattern));
    }

    /** Exactly these texts. */
    public static Dfa literals(Collection<String> texts) {
        int[] characters = texts.stream().flatMapToInt(String::codePoints).sorted().distinct().toArray();
        int[] cuts = CodePoints.cuts(Arrays.stream(characters).mapToObj(CodePoints::of).toList());
        List<int[]> next = new ArrayList<>();
        List<Boolean> ends = new ArrayList<>();
        addState(cuts, next, ends);
        for (String text : texts) {
            int at = 0;
            for (int c : text.codePoints().toArray()) {
                int part = Arrays.binarySearch(cuts, c);
                if (next.get(at)[part] == FAIL) {
                    check(next.size() + 1, cuts.length);
                    next.get(at)[part] = addState(cuts, next, ends);
                }
                at = next.get(at)[part];
            }
            ends.set(at, true);
        }
        return smallest(cuts, next, ends);
    }

    private static int addState(int[] cuts, List<int[]> next, List<Boolean> ends) {
        int[] row = new int[cuts.length];
        Arrays.fill(row, FAIL);
        next.add(row);
        ends.add(false);
        return next.size() - 1;
    }

    /** Texts of so many code points; {@link Expr.Repeat#UNLIMITED} for no bound. */
    public static Dfa lengths(int least, int most) {
        boolean unlimited = most == Expr.Repeat.UNLIMITED;
        int last = unlimited ? least : most;
        check(last + 1L, 1);
        int[][] next = new int[last + 1][];
        boolean[] ends = new boolean[last + 1];
        for (int s = 0; s <= last; s++) {
            next[s] = new int[] {s < last ? s + 1 : unlimited ? last : FAIL};
            ends[s] = s >= least;
        }
        return raw(new int[] {0}, next, ends);
    }

    /**
     * An automaton by its table.
     *
     * @param cuts first code points of the parts into which the alphabet is cut, ascending; the first is 0
     * @param next for each state and part where it leads, or -1
     * @param ends whether a text may end at each state
     */
    public static Dfa of(int[] cuts, List<int[]> next, List<Boolean> ends) {
        check(next.size(), cuts.length);
        return smallest(cuts, next, ends);
    }

    static void check(long states, long parts) {
        if (states > MAX_STATES || states * parts > MAX_WAYS) {
            throw new IllegalArgumentException("a pattern is too large: with all that holds beside it (length, other patterns, other names) its"
                    + " automaton needs more than " + MAX_STATES + " states; make its repetitions or the length smaller");
        }
    }

    /** Made of parts that were found elsewhere; becomes the smallest of its language. */
    static Dfa smallest(int[] cuts, List<int[]> next, List<Boolean> ends) {
        return new Smallest(cuts, next, ends).build();
    }

    static Dfa raw(int[] cuts, int[][] next, boolean[] ends) {
        return new Dfa(cuts, next, ends);
    }

    public Dfa intersect(Dfa other) {
        return combine(other, (a, b) -> a && b);
    }

    public Dfa union(Dfa other) {
        return combine(other, (a, b) -> a || b);
    }

    /** What is here and not there. */
    public Dfa minus(Dfa other) {
        return combine(other, (a, b) -> a && !b);
    }

    private interface Both {
        boolean ends(boolean a, boolean b);
    }

    private Dfa combine(Dfa other, Both both) {
        int[] all = java.util.stream.IntStream.concat(Arrays.stream(cuts), Arrays.stream(other.cuts)).sorted().distinct().toArray();
        int[] mine = partOf(all);
        int[] theirs = other.partOf(all);
        Map<Long, Integer> numbers = new HashMap<>();
        List<long[]> pairs = new ArrayList<>();
        List<int[]> ways = new ArrayList<>();
        List<Boolean> ending = new ArrayList<>();
        pairs.add(new long[] {0, 0});
        numbers.put(key(0, 0), 0);
        for (int i = 0; i < pairs.size(); i++) {
            check(pairs.size(), all.length);
            int a = (int) pairs.get(i)[0];
            int b = (int) pairs.get(i)[1];
            ending.add(both.ends(a != FAIL && ends[a], b != FAIL && other.ends[b]));
            int[] row = new int[all.length];
            for (int p = 0; p < all.length; p++) {
                int nextA = a == FAIL ? FAIL : next[a][mine[p]];
                int nextB = b == FAIL ? FAIL : other.next[b][theirs[p]];
                Integer known = numbers.putIfAbsent(key(nextA, nextB), pairs.size());
                if (known == null) {
                    known = pairs.size();
                    pairs.add(new long[] {nextA, nextB});
                }
                row[p] = known;
            }
            ways.add(row);
        }
        return smallest(all, ways, ending);
    }

    private static long key(int a, int b) {
        return (long) a << 32 | b & 0xFFFFFFFFL;
    }

    /** For each cut of a finer cutting, the part of this one that it is in. */
    private int[] partOf(int[] finer) {
        int[] out = new int[finer.length];
        int part = 0;
        for (int i = 0; i < finer.length; i++) {
            while (part + 1 < cuts.length && cuts[part + 1] <= finer[i]) {
                part++;
            }
            out[i] = part;
        }
        return out;
    }

    /** Whether no text is in it. */
    public boolean isEmpty() {
        return ends.length == 0 || ends.length == 1 && !ends[0];
    }

    public boolean matches(String text) {
        int at = ends.length == 0 ? FAIL : 0;
        for (int c : (Iterable<Integer>) text.codePoints()::iterator) {
            if (at == FAIL) {
                return false;
            }
            int place = Arrays.binarySearch(cuts, c);
            at = next[at][place >= 0 ? place : -place - 2];
        }
        return at != FAIL && ends[at];
    }

    /** An expression for the same texts, with each set of characters written as the function says. */
    public Expr toExpr(Function<CodePoints, Expr> characters) {
        if (isEmpty()) {
            return Expr.NOTHING;
        }
        List<Expr.Graph.Edge> edges = new ArrayList<>();
        Map<CodePoints, Expr> written = new HashMap<>();
        for (int s = 0; s < next.length; s++) {
            Map<Integer, List<Integer>> ranges = new java.util.TreeMap<>();
            for (int p = 0; p < cuts.length; p++) {
                if (next[s][p] != FAIL) {
                    List<Integer> of = ranges.computeIfAbsent(next[s][p], _ -> new ArrayList<>());
                    of.add(cuts[p]);
                    of.add(p + 1 < cuts.length ? cuts[p + 1] - 1 : Character.MAX_CODE_POINT);
                }
            }
            int from = s;
            ranges.forEach((to, of) -> {
                CodePoints set = CodePoints.ofRanges(of.stream().mapToInt(Integer::intValue).toArray());
                edges.add(new Expr.Graph.Edge(from, written.computeIfAbsent(set, characters), to));
            });
        }
        List<Boolean> ending = new ArrayList<>();
        for (boolean e : ends) {
            ending.add(e);
        }
        return new Expr.Graph(edges, ending);
    }
}
