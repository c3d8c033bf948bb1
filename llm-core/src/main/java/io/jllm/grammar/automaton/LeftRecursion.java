package io.jllm.grammar.automaton;

import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Rules that may begin with themselves, without that. Such a text is read from its first part upwards: what can begin any rule of the circle
 * is read, then whatever rule of the circle goes on after a text of that one, until the rule that was asked for has ended. All this happens in
 * one automaton, for the parts follow one another and do not nest. (The left-corner method, on automata.)
 */
final class LeftRecursion {
    private final List<RuleBuilder.Rule> rules;
    private final List<BitSet> begins;

    LeftRecursion(List<RuleBuilder.Rule> rules, List<BitSet> begins) {
        this.rules = rules;
        this.begins = begins;
    }

    /** New automata for the rules that need one. */
    Map<Integer, RuleBuilder.Rule.Automaton> unwind() {
        Map<Integer, RuleBuilder.Rule.Automaton> out = new HashMap<>();
        long states = 0;
        for (BitSet circle : Circles.of(begins)) {
            int size = circle.stream().map(this::size).sum();
            states += (long) size * circle.cardinality();
            if (states > RuleBuilder.MAX_STATES) {
                throw new IllegalArgumentException("the grammar is too large: " + circle.cardinality()
                        + " rules that begin with each other (left recursion) need more than " + RuleBuilder.MAX_STATES + " states");
            }
            circle.stream().forEach(r -> out.put(r, new RuleBuilder.Rule.Automaton(rules.get(r).name(), unwound(r, circle))));
        }
        return out;
    }

    private int size(int rule) {
        return nfa(rule).size();
    }

    private Nfa nfa(int rule) {
        return switch (rules.get(rule)) {
            case RuleBuilder.Rule.Automaton a -> a.nfa();
            case RuleBuilder.Rule.Counted _ -> throw new IllegalArgumentException("a rule begins with itself inside a long counted repetition"
                    + " (left recursion); write the repetition shorter, or the rule without beginning with itself");
        };
    }

    private Nfa unwound(int rule, BitSet circle) {
        var out = new Nfa();
        Map<Integer, Integer> offsets = new HashMap<>();
        circle.stream().forEach(r -> {
            offsets.put(r, out.size());
            copy(nfa(r), out);
        });
        circle.stream().forEach(r -> {
            int offset = offsets.get(r);
            Nfa from = nfa(r);
            for (int s : from.closure(0)) {
                for (int i = 0; i < from.bytes(s).size(); i += 3) {
                    out.bytes(0, from.bytes(s).get(i), from.bytes(s).get(i + 1), offset + from.bytes(s).get(i + 2));
                }
                for (int i = 0; i < from.calls(s).size(); i += 2) {
                    int called = from.calls(s).get(i);
                    int next = offset + from.calls(s).get(i + 1);
                    if (circle.get(called)) {
                        out.free(offsets.get(called) + nfa(called).end(), next);
                    } else {
                        out.call(0, called, next);
                    }
                }
            }
        });
        out.end(offsets.get(rule) + nfa(rule).end());
        return out;
    }

    private static void copy(Nfa from, Nfa to) {
        int offset = to.size();
        for (int s = 0; s < from.size(); s++) {
            to.add();
        }
        for (int s = 0; s < from.size(); s++) {
            for (int i = 0; i < from.free(s).size(); i++) {
                to.free(offset + s, offset + from.free(s).get(i));
            }
            for (int i = 0; i < from.bytes(s).size(); i += 3) {
                to.bytes(offset + s, from.bytes(s).get(i), from.bytes(s).get(i + 1), offset + from.bytes(s).get(i + 2));
            }
            for (int i = 0; i < from.calls(s).size(); i += 2) {
                to.call(offset + s, from.calls(s).get(i), offset + from.calls(s).get(i + 1));
            }
        }
    }
}
