package io.jllm.model;

/**
 * An activation of a {@link Program}: {@code width} floats for each row of a step. Assigned once; the backend plans where it
 * lives.
 *
 * @param id index into {@link Program#values}
 * @param width floats a row
 * @param rows which rows it has
 */
public record Value(int id, int width, Rows rows) {
    /** The two row counts of a step. */
    public enum Rows {
        /** One row for each token of the step. */
        TOKENS,
        /** One row for each wanted row of logits. */
        LOGITS
    }
}
