package io.jllm.grammar.mask;

import io.jllm.grammar.automaton.Machine;
import io.jllm.grammar.automaton.State;
import io.jllm.tokenizer.Tokenizer;
import java.util.OptionalInt;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** The masks of a grammar for a tokenizer, each found once and remembered while there is room. Safe for all threads. */
public final class Masks {
    /** Ints that remembered masks may take before all are forgotten: 16 MiB. */
    private static final long ROOM = 4L << 20;

    private final Machine machine;
    private final TokenTable table;
    private final ConcurrentHashMap<State, Allowed> known = new ConcurrentHashMap<>();
    private final AtomicLong used = new AtomicLong();
    private final AtomicInteger forgotten = new AtomicInteger();

    public Masks(Machine machine, Tokenizer tokenizer) {
        this.machine = machine;
        table = TokenTable.of(tokenizer);
    }

    /** Before the first token. */
    public State start() {
        return machine.start();
    }

    /** How many words a mask needs. */
    public int words() {
        return table.words();
    }

    /**
     * Sets the bits of the tokens that may come next, and clears all others.
     *
     * @param bits bit {@code id % 64} of word {@code id / 64} for each token; at least {@link #words}
     */
    public void fill(State state, long[] bits) {
        allowed(state).fill(bits);
    }

    /** The token that alone may come next, if there is only one. What cannot be so is found out by a look at the bytes that may come. */
    public OptionalInt only(State state) {
        return machine.onlyByte(state) ? allowed(state).only() : OptionalInt.empty();
    }

    private Allowed allowed(State state) {
        Allowed allowed = known.get(state);
        if (allowed == null) {
            allowed = new Walk(machine, table).allowed(state);
            int forgottenStates = machine.forgotten();
            if (used.addAndGet(allowed.room()) > ROOM || forgotten.getAndSet(forgottenStates) != forgottenStates) {
                known.clear();
                used.set(allowed.room());
            }
            known.put(state, allowed);
        }
        return allowed;
    }

    /** About how many bytes are remembered, but for what all grammars of the tokenizer share. */
    public long bytes() {
        return used.get() * Integer.BYTES;
    }

    /** What comes after a token; dead if it is not allowed. */
    public State after(State state, int token) {
        byte[] bytes = table.bytes(token);
        return bytes.length == 0 ? machine.dead() : machine.after(state, bytes);
    }
}
