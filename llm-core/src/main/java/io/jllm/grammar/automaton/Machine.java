package io.jllm.grammar.automaton;

import io.jllm.grammar.Grammar;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Runs a grammar over bytes. Its states are found as they are needed and remembered, so that a way that was gone before costs a look into a
 * table. Safe for all threads.
 *
 * <p>A step takes time and room in proportion to the states that the rules may be in and what may have called them, which the grammar bounds
 * however ambiguous it is: texts that can be read in many ways share their stacks.
 */
public final class Machine {
    /** Ints that remembered states and nodes may take: 16 MiB. Past that all are forgotten, but those that texts stand at. */
    private static final long ROOM = 4L << 20;

    private final Network network;
    private final ConcurrentHashMap<State, State> states = new ConcurrentHashMap<>();
    private final ConcurrentHashMap<Node, Node> nodes = new ConcurrentHashMap<>();
    private final AtomicInteger ids = new AtomicInteger();
    private final AtomicLong used = new AtomicLong();
    private final AtomicInteger forgotten = new AtomicInteger();
    private final State dead;
    private final State start;

    public Machine(Grammar grammar) {
        network = Network.of(grammar);
        dead = new State(new int[0], new Node[0], false, Distances.FAR, network.classCount());
        Arrays.fill(dead.next, dead);
        Step step = new Step(this, network);
        step.call(0, Node.ROOT);
        start = remembered(step.state(network.empty()));
    }

    /** Before the first byte. */
    public State start() {
        return start;
    }

    /** After what no text begins with. */
    public State dead() {
        return dead;
    }

    public int classCount() {
        return network.classCount();
    }

    /** The class of a byte, 0 to 255: bytes of one class lead to the same states. */
    public int classOf(int b) {
        return network.classOf(b);
    }

    /** The lowest byte of a class. */
    public int firstOf(int byteClass) {
        return network.firstOf(byteClass);
    }

    /** What comes after a byte of a class, {@link State#dead} if it cannot follow. */
    public State after(State state, int byteClass) {
        State next = state.next[byteClass];
        return next == null ? find(state, byteClass) : next;
    }

    /** Whether one byte alone may follow. */
    public boolean onlyByte(State state) {
        int bytes = 0;
        for (int c = 0; c < network.classCount() && bytes <= 1; c++) {
            bytes += after(state, c).dead() ? 0 : network.bytesOf(c);
        }
        return bytes == 1;
    }

    /** What comes after some bytes. */
    public State after(State state, byte[] bytes) {
        State at = state;
        for (byte b : bytes) {
            at = after(at, network.classOf(b & 0xFF));
        }
        return at;
    }

    /** Whether a whole text satisfies the grammar. */
    public boolean matches(String text) {
        return after(start, text.getBytes(StandardCharsets.UTF_8)).mayEnd();
    }

    /** Finds it for all classes around this one that the same ways take. */
    private State find(State state, int byteClass) {
        int first = 0;
        int last = network.classCount() - 1;
        Step step = new Step(this, network);
        for (int i = 0; i < state.states.length; i++) {
            int[] ways = network.bytes(state.states[i]);
            for (int w = 0; w < ways.length; w += 3) {
                if (ways[w] > byteClass) {
                    last = Math.min(last, ways[w] - 1);
                } else if (ways[w + 1] < byteClass) {
                    first = Math.max(first, ways[w + 1] + 1);
                } else {
                    first = Math.max(first, ways[w]);
                    last = Math.min(last, ways[w + 1]);
                    step.take(ways[w + 2], state.nodes[i]);
                }
            }
        }
        State found = step.taken() == 0 ? dead : remembered(step.next());
        Arrays.fill(state.next, first, last + 1, found);
        return found;
    }

    private State remembered(State state) {
        State known = states.putIfAbsent(state, state);
        if (known == null) {
            use(state.room());
        }
        return known == null ? state : known;
    }

    /** The ways from the start must go too, for all that was found hangs on them. */
    private void use(int room) {
        if (used.addAndGet(room) > ROOM) {
            used.set(0);
            states.clear();
            nodes.clear();
            Arrays.fill(start.next, null);
            forgotten.incrementAndGet();
        }
    }

    /** How often all was forgotten: what others remember by states is of no use then. */
    public int forgotten() {
        return forgotten.get();
    }

    /** About how many bytes are remembered. */
    public long bytes() {
        return Math.min(used.get(), ROOM) * Integer.BYTES;
    }

    /** The one node of a content, which is in order. */
    Node node(int[] ofStates, Node[] callers) {
        Node node = new Node(ids.incrementAndGet(), ofStates, callers, network.distances().behind(ofStates, callers));
        Node known = nodes.putIfAbsent(node, node);
        if (known == null) {
            use(node.room());
        }
        return known == null ? node : known;
    }

    @Override
    public String toString() {
        return network + "; " + states.size() + " states found, " + nodes.size() + " nodes";
    }
}
