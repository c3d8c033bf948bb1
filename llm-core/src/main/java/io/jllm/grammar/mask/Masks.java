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
    private final Endings endings;
    private final ConcurrentHashMap<State, Allowed> known = new ConcurrentHashMap<>();
    private final AtomicLong used = new AtomicLong();
    private final AtomicInteger forgotten = new AtomicInteger();

    public Masks(Machine machine, Tokenizer tokenizer) {
        this.machine = machine;
        table = TokenTable.of(tokenizer);
        endings = new Endings(machine, table);
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

    /**
     * The same, but without tokens after which the text could not be made whole by those that are left, {@link #fewest} told. Where it cannot be
     * made whole at all, none are left out.
     *
     * @param left how many tokens may come
     */
    public void fill(State state, int left, long[] bits) {
        Allowed all = allowed(state);
        if (table.writesAllText() && all.farthest() < left || endings.tokens(state) > left) {
            all.fill(bits);
        } else {
            new Walk(machine, table).allowed(state, to -> endings.within(to, left - 1)).fill(bits);
        }
    }

    /**
     * How few tokens make a text that has got there whole: those of its shortest continuation in bytes. The largest integer if there are too many to
     * be counted, or the vocabulary cannot write it.
     */
    public int fewest(State state) {
        return endings.tokens(state);
    }

    /** The token that alone may come next, if there is only one. What cannot be so is found out by a look at the bytes that may come. */
    public OptionalInt only(State state) {
        return machine.onlyByte(state) ? allowed(state).only() : OptionalInt.empty();
    }

    private Allowed allowed(State state) {
        Allowed allowed = known.get(state);
        if (allowed == null) {
            allowed = new Walk(machine, table).allowed(state, _ -> true);
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
        return used.get() * Integer.BYTES + endings.bytes();
    }

    /** What comes after a token; dead if it is not allowed. */
    public State after(State state, int token) {
        byte[] bytes = table.bytes(token);
        return bytes.length == 0 ? machine.dead() : machine.after(state, bytes);
    }
}
