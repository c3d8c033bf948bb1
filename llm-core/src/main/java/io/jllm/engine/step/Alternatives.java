package io.jllm.engine.step;

import io.jllm.TokenLogprobs;
import io.jllm.spi.ModelRunner;

/** Reads the most likely tokens of a row of logits, for those who ask what else might have been said. */
final class Alternatives {
    private static final int[] NO_IDS = {};
    private static final float[] NO_LOGPROBS = {};

    private final ModelRunner runner;
    private final int vocab;

    Alternatives(ModelRunner runner, int vocab) {
        this.runner = runner;
        this.vocab = vocab;
    }

    /** A token with that many alternatives, from a row of the last forward pass. */
    TokenLogprobs of(int row, int token, float logprob, int wanted) {
        int k = Math.min(wanted, vocab);
        if (k == 0) {
            return new TokenLogprobs(token, logprob, NO_IDS, NO_LOGPROBS);
        }
        int[] ids = new int[k];
        float[] top = new float[k];
        runner.topK(new int[] {row}, k, ids, top);
        return new TokenLogprobs(token, logprob, ids, top);
    }
}
