package io.jllm.sampling;

/**
 * Fixed changes to some logits of a row: numbers to add, tokens that must not be picked, or the only tokens that may be.
 * Immutable; the arrays must not be changed after construction.
 *
 * @param ids tokens whose logits get {@code values} added, same length; negative infinity bans a token
 * @param values what is added
 * @param allowed if not empty, every other token is banned
 */
public record LogitBias(int[] ids, float[] values, int[] allowed) {
    /** Changes nothing. */
    public static final LogitBias NONE = new LogitBias(new int[0], new float[0], new int[0]);

    /** Checks the lengths. */
    public LogitBias {
        if (ids.length != values.length) {
            throw new IllegalArgumentException(ids.length + " token ids but " + values.length + " bias values");
        }
    }

    /** Whether it changes nothing. */
    public boolean isEmpty() {
        return ids.length == 0 && allowed.length == 0;
    }
}
