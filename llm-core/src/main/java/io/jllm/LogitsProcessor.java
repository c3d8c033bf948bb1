package io.jllm;

/**
 * Changes logits before a token is picked: the last word of an application on what may be said. One instance serves one
 * request; {@link #fork} gives each further sequence of the request its own.
 *
 * <p>Called on the engine's thread: be quick, and do not call the LLM from it. An exception fails its own request only.
 */
public interface LogitsProcessor {
    /**
     * Changes a row in place. It is the raw row, for beams its log-probabilities: penalties, bias, temperature and truncation follow.
     *
     * @param tokens prompt and output so far; {@code length} of them count. Not to be changed
     * @param promptLength how many of them are the prompt
     * @param length how many there are
     * @param logits one for each token of the vocabulary; negative infinity bans a token
     */
    void process(int[] tokens, int promptLength, int length, float[] logits);

    /** A processor for a sequence that branches off here. The default serves processors that keep no state. */
    default LogitsProcessor fork() {
        return this;
    }
}
