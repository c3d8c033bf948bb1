package io.jllm.grammar.automaton;

import java.util.Arrays;

/**
 * Where a called rule goes on when it has ended: every state that called it, with what called that one. Nodes share what lies below them, so
 * that all stacks of an ambiguous text together are a graph without circles. Immutable, and one object for each content while the
 * {@link Machine} remembers it.
 */
final class Node {
    /** As a state to go on in: the whole text may end. */
    static final int WHOLE = -1;
    /** Of the rule that is the whole text. */
    static final Node ROOT = new Node(0, new int[] {WHOLE}, new Node[1], 0);

    final int id;
    final int[] states;
    final Node[] callers;
    /** How few bytes lead from here to where the whole text may end. */
    final long distance;
    private final int hash;

    Node(int id, int[] states, Node[] callers, long distance) {
        this.id = id;
        this.states = states;
        this.callers = callers;
        this.distance = distance;
        int h = Arrays.hashCode(states);
        for (Node c : callers) {
            h = 31 * h + (c == null ? 0 : c.id);
        }
        hash = h;
    }

    /** About how many ints it takes, with its place in a map. */
    int room() {
        return 32 + 2 * states.length;
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof Node n && hash == n.hash && Arrays.equals(states, n.states) && same(callers, n.callers);
    }

    private static boolean same(Node[] a, Node[] b) {
        for (int i = 0; i < a.length; i++) {
            if (a[i] != b[i]) {
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
