package io.jllm.spi;

/** Tokens that a runner draws, and nobody has read yet: what {@link ModelRunner#startSample} gives. For the engine's thread. */
@FunctionalInterface
public interface Drawing {
    /** Of no rows. */
    Drawing NOTHING = (_, _, _) -> { };

    /**
     * Waits until the tokens are drawn, and for nothing that was asked of the runner later. To be called once, before the second next drawing is
     * started.
     *
     * @param tokens receives ids, by row
     * @param logprobs receives the log-probability of each token in the raw row
     * @param errors receives, by row, why none could be drawn; the entries of other rows stay as they are
     * @throws RuntimeException if that is so for all of them, such as when the device fails
     */
    void finish(int[] tokens, float[] logprobs, RuntimeException[] errors);
}
