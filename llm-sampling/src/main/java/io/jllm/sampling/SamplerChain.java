package io.jllm.sampling;

/**
 * Picks tokens from rows of logits. In this order: log-probability of the raw row; penalties; bias and allowed tokens;
 * temperature; top-k; top-p; min-p; pick.
 *
 * <p>Holds the scratch memory for one vocabulary, so a chain belongs to one thread at a time; it allocates nothing a token.
 */
public final class SamplerChain {
    private final int vocab;

    /** A chain for rows of {@code vocab} logits. */
    public SamplerChain(int vocab) {
        this.vocab = vocab;
    }

    /**
     * Picks one token. The row is overwritten.
     *
     * @param row logits, at least {@code vocab} of them
     * @param settings how to pick
     * @param tokens prompt and output so far
     * @param promptLength how many of them are the prompt
     * @param length how many there are
     * @param logprob receives the token's log-probability in the raw row at index {@code at}
     * @param at index into {@code logprob}
     * @return the token's id
     */
    public int sample(float[] row, SamplerSettings settings, int[] tokens, int promptLength, int length, float[] logprob, int at) {
        throw new UnsupportedOperationException("skeleton");
    }

    /** The k most likely tokens of a raw row, best first, the lower id first among equals, and their log-probabilities. */
    public void topK(float[] row, int k, int[] ids, float[] logprobs, int at) {
        throw new UnsupportedOperationException("skeleton");
    }

    /** Natural logarithm of the sum of exponentials of a row. */
    public double logSumExp(float[] row) {
        throw new UnsupportedOperationException("skeleton");
    }
}
