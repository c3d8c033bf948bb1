package io.jllm.grammar.automaton;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/**
 * What the rules of a grammar are to each other: which match the empty text, which can be finished at all, and which begin with which. Takes
 * away what leads nowhere, and rules that begin with themselves.
 */
final class Linker {
    private final List<RuleBuilder.Rule> rules;
    private final boolean[] empty;
    private final boolean[] finite;
    /** For each rule those that a text of it may begin with. */
    private final List<BitSet> begins = new ArrayList<>();

    Linker(List<RuleBuilder.Rule> rules) {
        this.rules = new ArrayList<>(rules);
        empty = new boolean[rules.size()];
        finite = new boolean[rules.size()];
    }

    /** The rules, ready to be run: calls match at least a byte, everything can be finished, and no rule begins with itself. */
    List<RuleBuilder.Rule> link() {
        findEmpty();
        findFinite();
        if (!finite[0]) {
            throw new IllegalArgumentException("no finite text satisfies this: some part of it admits nothing at all, or only itself again");
        }
        for (int r = 0; r < rules.size(); r++) {
            begins.add(beginnings(r));
        }
        new LeftRecursion(rules, begins).unwind().forEach((rule, unwound) -> {
            rules.set(rule, unwound);
            unwound.nfa().keep(leadsOn(unwound.nfa()), this::callable);
            begins.set(rule, beginnings(rule));
        });
        return rules;
    }

    boolean empty(int rule) {
        return empty[rule];
    }

    /** Rules in an order in which each comes before those it begins with: the place of each. */
    int[] ranks() {
        return Circles.ranks(begins);
    }

    private void findEmpty() {
        for (boolean changed = true; changed;) {
            changed = false;
            for (int r = rules.size() - 1; r >= 0; r--) {
                if (matchesEmpty(rules.get(r)) && !empty[r]) {
                    empty[r] = true;
                    changed = true;
                }
            }
        }
    }

    /** Calls that may match the empty text become free ways as well, which shows here. */
    private boolean matchesEmpty(RuleBuilder.Rule rule) {
        return switch (rule) {
            case RuleBuilder.Rule.Counted c -> c.least() == 0 || empty[c.part()];
            case RuleBuilder.Rule.Automaton a -> {
                Nfa nfa = a.nfa();
                for (int s = 0; s < nfa.size(); s++) {
                    IntList calls = nfa.calls(s);
                    for (int i = 0; i < calls.size(); i += 2) {
                        if (empty[calls.get(i)] && !contains(nfa.free(s), calls.get(i + 1))) {
                            nfa.free(s, calls.get(i + 1));
                        }
                    }
                }
                yield java.util.Arrays.binarySearch(nfa.closure(0), nfa.end()) >= 0;
            }
        };
    }

    private static boolean contains(IntList list, int item) {
        for (int i = 0; i < list.size(); i++) {
            if (list.get(i) == item) {
                return true;
            }
        }
        return false;
    }

    private void findFinite() {
        for (boolean changed = true; changed;) {
            changed = false;
            for (int r = rules.size() - 1; r >= 0; r--) {
                if (!finite[r] && isFinite(rules.get(r))) {
                    finite[r] = true;
                    changed = true;
                }
            }
        }
        for (RuleBuilder.Rule r : rules) {
            if (r instanceof RuleBuilder.Rule.Automaton a) {
                a.nfa().keep(leadsOn(a.nfa()), this::callable);
            }
        }
    }

    private boolean isFinite(RuleBuilder.Rule rule) {
        return switch (rule) {
            case RuleBuilder.Rule.Counted c -> c.least() == 0 || finite[c.part()];
            case RuleBuilder.Rule.Automaton a -> leadsOn(a.nfa()).get(0);
        };
    }

    /** States from which the end can be reached. */
    private BitSet leadsOn(Nfa nfa) {
        var from = new ArrayList<IntList>();
        for (int s = 0; s < nfa.size(); s++) {
            from.add(new IntList());
        }
        for (int s = 0; s < nfa.size(); s++) {
            for (int i = 0; i < nfa.free(s).size(); i++) {
                from.get(nfa.free(s).get(i)).add(s);
            }
            for (int i = 0; i < nfa.bytes(s).size(); i += 3) {
                from.get(nfa.bytes(s).get(i + 2)).add(s);
            }
            for (int i = 0; i < nfa.calls(s).size(); i += 2) {
                if (callable(nfa.calls(s).get(i))) {
                    from.get(nfa.calls(s).get(i + 1)).add(s);
                }
            }
        }
        var reached = new BitSet();
        var todo = new IntList();
        reached.set(nfa.end());
        todo.add(nfa.end());
        for (int t = 0; t < todo.size(); t++) {
            IntList before = from.get(todo.get(t));
            for (int i = 0; i < before.size(); i++) {
                if (!reached.get(before.get(i))) {
                    reached.set(before.get(i));
                    todo.add(before.get(i));
                }
            }
        }
        return reached;
    }

    private boolean callable(int rule) {
        return finite[rule] && !(rules.get(rule) instanceof RuleBuilder.Rule.Counted c && !finite[c.part()]);
    }

    private BitSet beginnings(int rule) {
        var out = new BitSet();
        switch (rules.get(rule)) {
            case RuleBuilder.Rule.Counted c -> out.set(c.part());
            case RuleBuilder.Rule.Automaton a -> {
                for (int s : a.nfa().closure(0)) {
                    for (int i = 0; i < a.nfa().calls(s).size(); i += 2) {
                        out.set(a.nfa().calls(s).get(i));
                    }
                }
            }
        }
        return out;
    }
}
