package io.jllm.sampling;

import java.util.Arrays;

/**
 * Fixed changes to some logits of a row: numbers to add, tokens that must not be picked, or the only tokens that may be.
 * Immutable; the arrays must not be changed after construction.
 *
 * @param ids tokens whose logits get {@code values} added, same length, at least 0; one that stands twice gets both
 * @param values what is added, below positive infinity and not NaN; negative infinity bans a token
 * @param allowed if not empty, every other token is banned
 */
public record LogitBias(int[] ids, float[] values, int[] allowed) {
    /** Changes nothing. */
    public static final LogitBias NONE = new LogitBias(new int[0], new float[0], new int[0]);

    /** Checks lengths and values. */
    public LogitBias {
        if (ids.length != values.length) {
            throw new IllegalArgumentException(ids.length + " token ids but " + values.length + " bias values");
        }
        for (int i = 0; i < ids.length; i++) {
            if (!(values[i] < Float.POSITIVE_INFINITY)) {
                throw new IllegalArgumentException("the bias of token " + ids[i] + " must be below positive infinity "
                        + "and not NaN, was " + values[i]);
            }
        }
        checkIds("logit bias", ids, Integer.MAX_VALUE);
        checkIds("allowed tokens", allowed, Integer.MAX_VALUE);
    }

    /** Whether it changes nothing. */
    public boolean isEmpty() {
        return ids.length == 0 && allowed.length == 0;
    }

    /** Whether a token must not be picked. */
    public boolean bans(int token) {
        for (int i = 0; i < ids.length; i++) {
            if (ids[i] == token && values[i] == Float.NEGATIVE_INFINITY) {
                return true;
            }
        }
        return allowed.length > 0 && Arrays.stream(allowed).noneMatch(id -> id == token);
    }

    /**
     * Changes a row.
     *
     * @param logits the row
     * @param vocab how many of them count
     * @param marks scratch memory, that long at least, all false before and after
     * @throws IllegalArgumentException if an id is outside the vocabulary; nothing is changed then
     */
    void apply(float[] logits, int vocab, boolean[] marks) {
        checkIds("logit bias", ids, vocab);
        checkIds("allowed tokens", allowed, vocab);
        for (int i = 0; i < ids.length; i++) {
            // Not a sum: positive infinity would turn a ban into NaN.
            logits[ids[i]] = values[i] == Float.NEGATIVE_INFINITY ? Float.NEGATIVE_INFINITY : logits[ids[i]] + values[i];
        }
        if (allowed.length > 0) {
            for (int id : allowed) {
                marks[id] = true;
            }
            for (int id = 0; id < vocab; id++) {
                if (!marks[id]) {
                    logits[id] = Float.NEGATIVE_INFINITY;
                }
            }
            for (int id : allowed) {
                marks[id] = false;
            }
        }
    }

    private static void checkIds(String what, int[] ids, int vocab) {
        for (int id : ids) {
            if (id < 0 || id >= vocab) {
                throw new IllegalArgumentException(what + ": token " + id + " is outside the vocabulary"
                        + (vocab == Integer.MAX_VALUE ? "" : " of " + vocab + " tokens (0 to " + (vocab - 1) + ")"));
            }
        }
    }
}
