package io.jllm.grammar.automaton;

import java.util.Arrays;

/**
 * Where a text has got to in a grammar: all states that its rules may be in, each with the node of what called the rule. Immutable but for
 * what it remembers of the ways out, which is always the same; safe for all threads.
 */
public final class State {
    final int[] states;
    final Node[] nodes;
    private final boolean mayEnd;
    private final long distance;
    private final int hash;
    /** For each class of bytes, what comes after it; null until it is asked for. Any thread may find it, and all find the same. */
    final State[] next;

    State(int[] states, Node[] nodes, boolean mayEnd, long distance, int classes) {
        this.states = states;
        this.nodes = nodes;
        this.mayEnd = mayEnd;
        this.distance = distance;
        next = new State[classes];
        int h = Arrays.hashCode(states) * 31 + Boolean.hashCode(mayEnd);
        for (Node n : nodes) {
            h = 31 * h + n.id;
        }
        hash = h;
    }

    /** Whether the text may end here. */
    public boolean mayEnd() {
        return mayEnd;
    }

    /** How few bytes make a whole text of what is there, as far as 2^31; a special token counts as five. 0 where it may end. */
    public long distance() {
        return distance;
    }

    /** About how many ints it takes, with its place in a map. */
    int room() {
        return 32 + next.length + 2 * states.length;
    }

    /** Whether nothing may follow. */
    public boolean last() {
        return states.length == 0;
    }

    /** Whether no text that satisfies the grammar begins like this one. */
    public boolean dead() {
        return !mayEnd && last();
    }

    @Override
    public boolean equals(Object o) {
        if (!(o instanceof State s) || hash != s.hash || mayEnd != s.mayEnd || !Arrays.equals(states, s.states)) {
            return false;
        }
        for (int i = 0; i < nodes.length; i++) {
            if (nodes[i] != s.nodes[i]) {
                return false;
            }
        }
        return true;
    }

    @Override
    public int hashCode() {
        return hash;
    }
}
