package io.jllm.grammar.automaton;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Finds what comes after a byte: first every rule that has ended goes back to what called it, then every rule that may begin is begun, callers
 * before what they call, so that each node is complete when it is made. For one state, and one thread.
 */
final class Step {
    /** Most pairs of a state and what called it that are looked at. */
    private static final int MAX_PAIRS = 20_000;

    private final Machine machine;
    private final Network network;
    private final Map<Integer, Callers> reached = new HashMap<>();
    /** The nodes of those that have ended. */
    private final List<Node> ended = new ArrayList<>();
    /** Rules that begin, by their ranks. */
    private final TreeMap<Integer, Callers> begun = new TreeMap<>();
    /** States that go on by bytes. */
    private final Map<Integer, Node> kept = new HashMap<>();
    /** Where the first way leads. */
    private int target;
    private Node node;
    private int taken;
    private boolean whole;
    private int pairs;

    /** Pairs of a state and a node, each once. */
    private static final class Callers {
        private int[] states = new int[2];
        private Node[] nodes = new Node[2];
        private int size;

        boolean add(int state, Node node) {
            for (int i = 0; i < size && size <= 8; i++) {
                if (states[i] == state && nodes[i] == node) {
                    return false;
                }
            }
            if (size > 8 && contains(state, node)) {
                return false;
            }
            if (size == states.length) {
                states = Arrays.copyOf(states, 2 * size);
                nodes = Arrays.copyOf(nodes, 2 * size);
            }
            int at = size++;
            // In order, by insertion: there are few as a rule.
            while (at > 0 && compare(states[at - 1], nodes[at - 1], state, node) > 0) {
                states[at] = states[at - 1];
                nodes[at] = nodes[at - 1];
                at--;
            }
            states[at] = state;
            nodes[at] = node;
            return true;
        }

        private boolean contains(int state, Node node) {
            int low = 0;
            int high = size - 1;
            while (low <= high) {
                int middle = (low + high) >>> 1;
                int order = compare(states[middle], nodes[middle], state, node);
                if (order == 0) {
                    return nodes[middle] == node;
                }
                if (order < 0) {
                    low = middle + 1;
                } else {
                    high = middle - 1;
                }
            }
            return false;
        }

        private static int compare(int state, Node node, int otherState, Node other) {
            int order = Integer.compare(state, otherState);
            return order != 0 ? order : Integer.compare(id(node), id(other));
        }

        private static int id(Node node) {
            return node == null ? -1 : node.id;
        }

        Node node(Machine machine) {
            return size == 1 && states[0] == Node.WHOLE ? Node.ROOT : machine.node(Arrays.copyOf(states, size), Arrays.copyOf(nodes, size));
        }
    }

    Step(Machine machine, Network network) {
        this.machine = machine;
        this.network = network;
    }

    /** A way of the last state leads here. */
    void take(int to, Node of) {
        if (taken++ == 0) {
            target = to;
            node = of;
            return;
        }
        if (taken == 2) {
            reach(target, node);
        }
        reach(to, of);
    }

    /** How many ways were taken. */
    int taken() {
        return taken;
    }

    /** The state that the ways lead to: at once where it is one that goes on by bytes, as most are. */
    State next() {
        if (taken == 1) {
            if (network.onlyBytes(target)) {
                return made(new int[] {target}, new Node[] {node}, false);
            }
            reach(target, node);
        }
        return close();
    }

    private void reach(int state, Node node) {
        count();
        Callers nodes = reached.computeIfAbsent(state, _ -> new Callers());
        if (nodes.add(0, node) && network.ends(state)) {
            ended.add(node);
        }
    }

    private void count() {
        if (++pairs > MAX_PAIRS) {
            throw new IllegalStateException("the grammar is too ambiguous: after this text it may be in more than " + MAX_PAIRS
                    + " places at once; make its rules tell sooner which of them is meant");
        }
    }

    /** Ends and begins all rules that can be; the state that results. */
    private State close() {
        for (int i = 0; i < ended.size(); i++) {
            Node node = ended.get(i);
            for (int k = 0; k < node.states.length; k++) {
                if (node.states[k] == Node.WHOLE) {
                    whole = true;
                } else {
                    reach(node.states[k], node.callers[k]);
                }
            }
        }
        int[] found = reached.keySet().stream().mapToInt(Integer::intValue).toArray();
        for (int state : found) {
            begin(state, merged(reached.get(state)));
        }
        return state(whole);
    }

    /** One node for all nodes of a state: a rule that ends in it goes on where any of them says. */
    private Node merged(Callers nodes) {
        if (nodes.size == 1) {
            return nodes.nodes[0];
        }
        var all = new Callers();
        for (int i = 0; i < nodes.size; i++) {
            Node n = nodes.nodes[i];
            for (int k = 0; k < n.states.length; k++) {
                count();
                all.add(n.states[k], n.callers[k]);
            }
        }
        return all.node(machine);
    }

    private void begin(int state, Node node) {
        if (network.bytes(state).length > 0) {
            kept.put(state, node);
        }
        int[] calls = network.calls(state);
        for (int i = 0; i < calls.length; i += 2) {
            Callers callers = begun.computeIfAbsent(network.rank(calls[i]), _ -> new Callers());
            if (network.onlyEnds(calls[i + 1])) {
                // The caller will have nothing left to do: go back to its own callers at once, so that rules that end with themselves
                // do not pile up.
                for (int k = 0; k < node.states.length; k++) {
                    count();
                    callers.add(node.states[k], node.callers[k]);
                }
            } else {
                count();
                callers.add(calls[i + 1], node);
            }
        }
    }

    /** Begins a rule. */
    void call(int rule, Node node) {
        begin(network.start(rule), node);
    }

    /** The state, when all rules that can begin have begun. */
    State state(boolean mayEnd) {
        while (!begun.isEmpty()) {
            var first = begun.pollFirstEntry();
            call(network.ruleOfRank(first.getKey()), first.getValue().node(machine));
        }
        int[] states = kept.keySet().stream().mapToInt(Integer::intValue).sorted().toArray();
        Node[] nodes = new Node[states.length];
        for (int i = 0; i < states.length; i++) {
            nodes[i] = kept.get(states[i]);
        }
        return made(states, nodes, mayEnd);
    }

    private State made(int[] states, Node[] nodes, boolean mayEnd) {
        long distance = mayEnd ? 0 : network.distances().from(states, nodes);
        return new State(states, nodes, mayEnd, distance, machine.classCount());
    }
}
