package io.jllm.constraint;

import java.util.OptionalInt;

/**
 * Where an answer under a {@link Constraint} has got to, and which tokens may come next. Immutable: a sequence that branches off keeps the same
 * one. Used by one thread at a time as a rule, but not always the same one.
 */
public interface TokenMask {
    /**
     * Marks the tokens that may come next: sets their bits, and clears all others. Whether tokens that end a text may come is not asked here
     * but by {@link #mayEnd}.
     *
     * @param bits bit {@code id % 64} of word {@code id / 64} is that of token {@code id}; as many words as the model's vocabulary needs
     */
    void allowed(long[] bits);

    /**
     * The token that alone may come next, where that is known and the text may not end here. The engine then takes it without drawing, and computes
     * several such tokens in one step; what is said, and how likely it was, is the same. An automaton that does not know it may leave this out.
     */
    default OptionalInt only() {
        return OptionalInt.empty();
    }

    /** Whether the text may end here, and so whether a token that ends it may come. */
    boolean mayEnd();

    /** Whether anything may follow. Where nothing may, the text ends and the model is not asked for more. */
    boolean mayGoOn();

    /**
     * What comes after a token.
     *
     * @param token one that is allowed
     * @throws IllegalArgumentException if it is not
     */
    TokenMask after(int token);
}
