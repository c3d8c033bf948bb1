package io.jllm.grammar.automaton;

import io.jllm.grammar.Grammar;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;

/**
 * A grammar as automata that call each other: the states of all rules, in one numbering. A call matches at least a byte, no rule begins with
 * itself, and from every state an end can be reached. Immutable.
 */
public final class Network {
    private static final int[] NONE = {};

    /** For each byte its class: bytes of one class are alike everywhere. */
    private final int[] classes = new int[256];
    private int classCount;
    private final int[] sizes = new int[256];
    /** For each state first class, last class and target of its ways, in turn; called rule and target, in turn. */
    private final int[][] bytes;
    private final int[][] calls;
    private final boolean[] ends;
    private final int[] starts;
    private final int[] ranks;
    private final int[] byRank;
    private final boolean empty;
    /** Counting rules in order of their first states, which lie after all others. */
    private final List<Counter> counters;
    private final int firstCounted;
    private final Distances distances;

    /** A rule that repeats another: a state for each count, up to the last, which stays. */
    record Counter(int rule, int first, int last, int part, int least, boolean unlimited) {
        /** How many more must come at a state of it. */
        long missing(int state) {
            return Math.max(0L, least - (state - first));
        }
    }

    private Network(List<RuleBuilder.Rule> rules, List<List<Determinizer.Ways>> automata, Linker linker) {
        empty = linker.empty(0);
        ranks = linker.ranks();
        byRank = new int[ranks.length];
        for (int r = 0; r < ranks.length; r++) {
            byRank[ranks[r]] = r;
        }
        starts = new int[rules.size()];
        int states = 0;
        for (int r = 0; r < starts.length; r++) {
            starts[r] = states;
            states += automata.get(r).size();
        }
        firstCounted = states;
        bytes = new int[states][];
        calls = new int[states][];
        ends = new boolean[states];
        cut(automata);
        for (int r = 0; r < starts.length; r++) {
            fill(starts[r], automata.get(r));
        }
        counters = counters(rules, linker);
        distances = new Distances(this, states, starts.length);
    }

    /**
     * Makes automata of a grammar.
     *
     * @throws IllegalArgumentException if a rule is missing, no finite text satisfies the grammar, or it is too large; the message says so
     */
    public static Network of(Grammar grammar) {
        Linker linker = new Linker(new RuleBuilder(grammar).build());
        List<RuleBuilder.Rule> rules = linker.link();
        List<List<Determinizer.Ways>> automata = new ArrayList<>();
        for (RuleBuilder.Rule rule : rules) {
            automata.add(switch (rule) {
                case RuleBuilder.Rule.Automaton a -> Determinizer.determinize(a.nfa());
                case RuleBuilder.Rule.Counted _ -> List.of();
            });
        }
        return new Network(rules, automata, linker);
    }

    private void cut(List<List<Determinizer.Ways>> automata) {
        var cuts = new BitSet();
        for (List<Determinizer.Ways> automaton : automata) {
            for (Determinizer.Ways w : automaton) {
                for (int i = 0; i < w.bytes().length; i += 3) {
                    cuts.set(w.bytes()[i]);
                    cuts.set(w.bytes()[i + 1] + 1);
                }
            }
        }
        for (int b = 0; b < classes.length; b++) {
            classCount += b > 0 && cuts.get(b) ? 1 : 0;
            classes[b] = classCount;
            sizes[classCount]++;
        }
        classCount++;
    }

    private void fill(int first, List<Determinizer.Ways> automaton) {
        for (int s = 0; s < automaton.size(); s++) {
            Determinizer.Ways w = automaton.get(s);
            int[] out = w.bytes().length == 0 ? NONE : w.bytes().clone();
            for (int i = 0; i < out.length; i += 3) {
                out[i] = classes[out[i]];
                out[i + 1] = classes[out[i + 1]];
                out[i + 2] += first;
            }
            bytes[first + s] = out;
            int[] called = w.calls().length == 0 ? NONE : w.calls().clone();
            for (int i = 1; i < called.length; i += 2) {
                called[i] += first;
            }
            calls[first + s] = called;
            ends[first + s] = w.ends();
        }
    }

    private List<Counter> counters(List<RuleBuilder.Rule> rules, Linker linker) {
        List<Counter> out = new ArrayList<>();
        long next = firstCounted;
        for (int r = 0; r < rules.size(); r++) {
            if (rules.get(r) instanceof RuleBuilder.Rule.Counted c) {
                boolean unlimited = c.most() == io.jllm.grammar.Expr.Repeat.UNLIMITED;
                int least = linker.empty(c.part()) ? 0 : c.least();
                // One state more than counts where there is no limit: the first must not be come back to.
                long last = next + (unlimited ? Math.max(least, 1) : c.most());
                if (last >= Integer.MAX_VALUE) {
                    throw new IllegalArgumentException("the grammar's repetitions count to more than 2^31 together");
                }
                out.add(new Counter(r, (int) next, (int) last, c.part(), least, unlimited));
                starts[r] = (int) next;
                next = last + 1;
            }
        }
        return List.copyOf(out);
    }

    /** How many classes of bytes there are. */
    public int classCount() {
        return classCount;
    }

    /** The class of a byte, 0 to 255. */
    public int classOf(int b) {
        return classes[b];
    }

    /** The lowest byte of a class. */
    int firstOf(int byteClass) {
        int low = 0;
        while (classes[low] < byteClass) {
            low++;
        }
        return low;
    }

    /** How many bytes a class has. */
    int bytesOf(int byteClass) {
        return sizes[byteClass];
    }

    /** Whether the empty text satisfies the grammar. */
    boolean empty() {
        return empty;
    }

    int start(int rule) {
        return starts[rule];
    }

    int rank(int rule) {
        return ranks[rule];
    }

    int ruleOfRank(int rank) {
        return byRank[rank];
    }

    List<Counter> counters() {
        return counters;
    }

    /** The rule that counts in a state. */
    Counter counter(int state) {
        int low = 0;
        int high = counters.size() - 1;
        while (low < high) {
            int middle = (low + high + 1) >>> 1;
            if (counters.get(middle).first <= state) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        return counters.get(low);
    }

    boolean ends(int state) {
        if (state < firstCounted) {
            return ends[state];
        }
        return counter(state).missing(state) == 0;
    }

    /** First class, last class and target of the ways out of a state by bytes, in turn. */
    int[] bytes(int state) {
        return state < firstCounted ? bytes[state] : NONE;
    }

    /** Called rule and target of the ways out of a state by calls, in turn. */
    int[] calls(int state) {
        if (state < firstCounted) {
            return calls[state];
        }
        Counter c = counter(state);
        return state < c.last ? new int[] {c.part, state + 1} : c.unlimited ? new int[] {c.part, c.last} : NONE;
    }

    /** How few bytes lead from a state to an end of its rule. */
    Distances distances() {
        return distances;
    }

    /** Whether all that can be done in a state is to go on by a byte. */
    boolean onlyBytes(int state) {
        return state < firstCounted && !ends[state] && calls[state].length == 0;
    }

    /** Whether all that can be done in a state is to end the rule. */
    boolean onlyEnds(int state) {
        return ends(state) && bytes(state).length == 0 && calls(state).length == 0;
    }

    @Override
    public String toString() {
        return starts.length + " rules, " + bytes.length + " states, " + counters.size() + " counters, " + classCount + " classes of bytes"
                + (empty ? ", empty" : "") + " " + Arrays.toString(starts.length > 20 ? NONE : starts);
    }
}
