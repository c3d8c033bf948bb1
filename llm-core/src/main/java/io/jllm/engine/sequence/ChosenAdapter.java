package io.jllm.engine.sequence;

/**
 * The adapter that a request is computed with.
 *
 * @param number by which the runner knows it, as {@link io.jllm.spi.StepBatch#adapter} has it; 0 for none. It may belong to another one later
 * @param id never another one's
 * @param name what requests call it
 */
public record ChosenAdapter(int number, long id, String name) {
    /** None. */
    public static final ChosenAdapter NONE = new ChosenAdapter(0, 0, "");
}
