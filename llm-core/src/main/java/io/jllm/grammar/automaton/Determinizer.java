package io.jllm.grammar.automaton;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The automaton of a rule without free ways: with one way by each byte and by each called rule, if that does not make it much larger, or else
 * with all the ways that the states of the {@link Nfa} have. What runs it takes either.
 */
final class Determinizer {
    private final Nfa nfa;
    private final int most;
    private final Map<Subset, Integer> numbers = new HashMap<>();
    private final List<int[]> subsets = new ArrayList<>();
    private final List<Ways> states = new ArrayList<>();

    /**
     * The ways out of a state.
     *
     * @param bytes first byte, last byte and target, in turn
     * @param calls rule and target, in turn
     */
    record Ways(int[] bytes, int[] calls, boolean ends) {
    }

    private record Subset(int[] states) {
        @Override
        public boolean equals(Object o) {
            return o instanceof Subset s && Arrays.equals(states, s.states);
        }

        @Override
        public int hashCode() {
            return Arrays.hashCode(states);
        }
    }

    private Determinizer(Nfa nfa) {
        this.nfa = nfa;
        most = 2 * nfa.size() + 50;
    }

    /** The states, the first of which begins. */
    static List<Ways> determinize(Nfa nfa) {
        var deterministic = new Determinizer(nfa);
        return deterministic.subsets() ? deterministic.states : new Determinizer(nfa).withoutFreeWays();
    }

    /** False if there are too many. */
    private boolean subsets() {
        number(nfa.closure(0));
        long work = 0;
        for (int i = 0; i < subsets.size(); i++) {
            work += subsets.get(i).length;
            if (subsets.size() > most || work > 64L * most) {
                return false;
            }
            states.add(ways(subsets.get(i)));
        }
        return true;
    }

    private int number(int[] subset) {
        Integer known = numbers.putIfAbsent(new Subset(subset), subsets.size());
        if (known != null) {
            return known;
        }
        subsets.add(subset);
        return subsets.size() - 1;
    }

    private Ways ways(int[] subset) {
        IntList edges = new IntList();
        TreeMap<Integer, IntList> called = new TreeMap<>();
        for (int s : subset) {
            for (int i = 0; i < nfa.bytes(s).size(); i++) {
                edges.add(nfa.bytes(s).get(i));
            }
            for (int i = 0; i < nfa.calls(s).size(); i += 2) {
                called.computeIfAbsent(nfa.calls(s).get(i), _ -> new IntList()).add(nfa.calls(s).get(i + 1));
            }
        }
        IntList calls = new IntList();
        called.forEach((rule, targets) -> {
            calls.add(rule);
            calls.add(number(nfa.closure(targets.toArray())));
        });
        return new Ways(disjoint(edges), calls.toArray(), Arrays.binarySearch(subset, nfa.end()) >= 0);
    }

    /** Edges that overlap, cut where they begin and end. */
    private int[] disjoint(IntList edges) {
        var cuts = new java.util.TreeSet<Integer>();
        for (int i = 0; i < edges.size(); i += 3) {
            cuts.add(edges.get(i));
            cuts.add(edges.get(i + 1) + 1);
        }
        IntList out = new IntList();
        int lastTarget = -1;
        Integer[] at = cuts.toArray(Integer[]::new);
        for (int c = 0; c + 1 < at.length; c++) {
            IntList targets = new IntList();
            for (int i = 0; i < edges.size(); i += 3) {
                if (edges.get(i) <= at[c] && edges.get(i + 1) >= at[c]) {
                    targets.add(edges.get(i + 2));
                }
            }
            if (targets.size() == 0) {
                lastTarget = -1;
                continue;
            }
            int target = number(nfa.closure(targets.toArray()));
            if (target == lastTarget) {
                out.set(out.size() - 2, at[c + 1] - 1);
            } else {
                out.add(at[c]);
                out.add(at[c + 1] - 1);
                out.add(target);
            }
            lastTarget = target;
        }
        return out.toArray();
    }

    private List<Ways> withoutFreeWays() {
        for (int s = 0; s < nfa.size(); s++) {
            IntList bytes = new IntList();
            IntList calls = new IntList();
            int[] closure = nfa.closure(s);
            for (int c : closure) {
                for (int i = 0; i < nfa.bytes(c).size(); i++) {
                    bytes.add(nfa.bytes(c).get(i));
                }
                for (int i = 0; i < nfa.calls(c).size(); i++) {
                    calls.add(nfa.calls(c).get(i));
                }
            }
            states.add(new Ways(bytes.toArray(), calls.toArray(), Arrays.binarySearch(closure, nfa.end()) >= 0));
        }
        return states;
    }
}
