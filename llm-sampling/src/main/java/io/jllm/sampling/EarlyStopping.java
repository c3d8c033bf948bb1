package io.jllm.sampling;

/** When a beam search ends before its longest length; the names are the values of Hugging Face's {@code early_stopping}. */
public enum EarlyStopping {
    /** As soon as there are as many finished hypotheses as beams. */
    TRUE,
    /**
     * When the best running beam, at its present length, scores no better than the worst of as many finished hypotheses as beams.
     * A rule of thumb: with a length penalty above 0 a longer text might still have scored better.
     */
    FALSE,
    /** When no running beam could ever score better: with a length penalty above 0, not even at the greatest length. */
    NEVER
}
