package io.jllm.grammar.automaton;

import io.jllm.grammar.CodePoints;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.function.IntPredicate;

/**
 * The automaton of one rule while it is built: edges by a range of bytes, by a call of another rule, or by nothing. It begins at state 0, into
 * which no edge leads, and has one end.
 */
final class Nfa {
    /** Stands for a list that has nothing yet: most states have edges of one kind. */
    private static final IntList NONE = new IntList();

    /** Triples: first byte, last byte, target. */
    private final List<IntList> bytes = new ArrayList<>();
    /** Pairs: rule, target. */
    private final List<IntList> calls = new ArrayList<>();
    private final List<IntList> free = new ArrayList<>();
    private int end;

    Nfa() {
        add();
    }

    int add() {
        bytes.add(NONE);
        calls.add(NONE);
        free.add(NONE);
        return bytes.size() - 1;
    }

    int size() {
        return bytes.size();
    }

    int end() {
        return end;
    }

    void end(int state) {
        end = state;
    }

    IntList bytes(int state) {
        return bytes.get(state);
    }

    IntList calls(int state) {
        return calls.get(state);
    }

    IntList free(int state) {
        return free.get(state);
    }

    private static IntList of(List<IntList> lists, int state) {
        if (lists.get(state) == NONE) {
            lists.set(state, new IntList());
        }
        return lists.get(state);
    }

    void free(int from, int to) {
        of(free, from).add(to);
    }

    void call(int from, int rule, int to) {
        IntList edges = of(calls, from);
        edges.add(rule);
        edges.add(to);
    }

    void bytes(int from, int first, int last, int to) {
        IntList edges = of(bytes, from);
        edges.add(first);
        edges.add(last);
        edges.add(to);
    }

    /** A way from a state by these bytes; returns where it leads. */
    int literal(int from, byte[] text) {
        int at = from;
        for (byte b : text) {
            int next = add();
            bytes(at, b & 0xFF, b & 0xFF, next);
            at = next;
        }
        return at;
    }

    int literal(int from, String text) {
        return literal(from, text.getBytes(StandardCharsets.UTF_8));
    }

    /** Ways by each code point of a set. */
    void chars(int from, CodePoints set, int to) {
        for (int[] sequence : Utf8.sequences(set)) {
            int at = from;
            for (int i = 0; i < sequence.length; i += 2) {
                int next = i + 2 == sequence.length ? to : add();
                bytes(at, sequence[i], sequence[i + 1], next);
                at = next;
            }
        }
    }

    /** Leaves out edges into other states and calls of other rules than these. */
    void keep(BitSet states, IntPredicate rules) {
        for (int s = 0; s < size(); s++) {
            bytes.set(s, filtered(bytes.get(s), 3, states, _ -> true));
            calls.set(s, filtered(calls.get(s), 2, states, rules));
            free.set(s, filtered(free.get(s), 1, states, _ -> true));
        }
    }

    private static IntList filtered(IntList edges, int width, BitSet states, IntPredicate rules) {
        IntList out = edges.size() == 0 ? NONE : new IntList();
        for (int i = 0; i < edges.size(); i += width) {
            if (states.get(edges.get(i + width - 1)) && rules.test(edges.get(i))) {
                for (int k = 0; k < width; k++) {
                    out.add(edges.get(i + k));
                }
            }
        }
        return out;
    }

    /** The states that a state reaches by nothing, itself included, in order. */
    int[] closure(int... states) {
        var seen = new BitSet();
        var todo = new ArrayDeque<Integer>();
        for (int s : states) {
            if (!seen.get(s)) {
                seen.set(s);
                todo.push(s);
            }
        }
        while (!todo.isEmpty()) {
            IntList out = free.get(todo.pop());
            for (int i = 0; i < out.size(); i++) {
                if (!seen.get(out.get(i))) {
                    seen.set(out.get(i));
                    todo.push(out.get(i));
                }
            }
        }
        return seen.stream().toArray();
    }
}
