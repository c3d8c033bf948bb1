package io.jllm.grammar.mask;

import io.jllm.grammar.automaton.Machine;
import io.jllm.grammar.automaton.State;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * How few tokens make a whole text of what is there: those of its shortest continuation in bytes, of several the first in the order of their
 * bytes, cut into the fewest tokens. Its first token leads to where one token less is needed, so that whoever follows this always gets there.
 * Safe for all threads.
 */
final class Endings {
    /** More tokens than any text is given. */
    static final int FAR = Integer.MAX_VALUE;
    /** Most bytes of a continuation that is looked at. */
    private static final int MOST_BYTES = 1 << 16;
    /** States that are remembered; past that all are forgotten, and when the machine forgets them. */
    private static final int REMEMBERED = 100_000;
    /** What one of them takes here, with its place in the map. */
    private static final int STATE_BYTES = 64;

    private final Machine machine;
    private final TokenTable table;
    private final ConcurrentHashMap<State, Integer> known = new ConcurrentHashMap<>();
    private final AtomicInteger forgotten = new AtomicInteger();

    Endings(Machine machine, TokenTable table) {
        this.machine = machine;
        this.table = table;
    }

    /**
     * For a state, how many tokens: none where the text is whole. {@link #FAR} if there are too many, or the vocabulary cannot write it.
     */
    int tokens(State state) {
        Integer found = known.get(state);
        return found == null ? find(state) : found;
    }

    /** Whether a text that has got there can be made whole by so many tokens. */
    boolean within(State state, int most) {
        return table.writesAllText() && state.distance() <= most || tokens(state) <= most;
    }

    /** About how many bytes are remembered. */
    long bytes() {
        return (long) known.size() * STATE_BYTES;
    }

    private int find(State state) {
        if (state.distance() > MOST_BYTES) {
            return FAR;
        }
        List<State> way = new ArrayList<>();
        byte[] text = new byte[(int) state.distance()];
        way.add(state);
        for (int i = 0; i < text.length; i++) {
            text[i] = (byte) next(way);
        }
        int forgottenStates = machine.forgotten();
        if (forgotten.getAndSet(forgottenStates) != forgottenStates || known.size() > REMEMBERED) {
            known.clear();
        }
        int[] tokens = new int[text.length + 1];
        for (int i = text.length - 1; i >= 0; i--) {
            Integer before = known.get(way.get(i));
            tokens[i] = before == null ? table.trie().fewest(text, i, tokens) : before;
            known.put(way.get(i), tokens[i]);
        }
        return tokens[0];
    }

    /** Goes one byte nearer to the end: the lowest that does. */
    private int next(List<State> way) {
        State at = way.getLast();
        for (int c = 0; c < machine.classCount(); c++) {
            State to = machine.after(at, c);
            if (to.distance() < at.distance()) {
                way.add(to);
                return machine.firstOf(c);
            }
        }
        throw new IllegalStateException("no byte leads nearer to an end from where one is " + at.distance() + " bytes away");
    }
}
