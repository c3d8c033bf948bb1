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
     * The same where the text must be whole before the request's tokens are used up: without tokens after which it could not be any more. Where it
     * cannot be made whole by those that are left as it is, all that {@link #allowed(long[])} marks stay. This says what that does; an automaton
     * that knows how far it is from an end may do better, and tell that by {@link #fewest} too.
     *
     * @param left how many tokens may still come
     */
    default void allowed(long[] bits, int left) {
        allowed(bits);
    }

    /**
     * How few tokens are known to make the text whole from here; 0 if it is whole or nothing is known of that, and the largest integer if it takes
     * too many.
     */
    default int fewest() {
        return 0;
    }

    /**
     * The token that alone may come next, where that is known and the text may not end here. The engine then takes it without drawing, and computes
     * several such tokens in one step; what is said, and how likely it was, is the same. An automaton that does not know it may leave this out. How
     * many tokens are left does not matter: where one alone may come, {@link #allowed(long[], int)} has nothing else to choose from.
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
