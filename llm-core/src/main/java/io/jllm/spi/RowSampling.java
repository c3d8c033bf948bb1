package io.jllm.spi;

import io.jllm.sampling.SamplerSettings;

/**
 * How to draw the next token of one sequence from its row of logits, and what it has said so far. A view that the engine
 * keeps for as long as the sequence lives; read it during {@link ModelRunner#sample} only.
 */
public interface RowSampling {
    /** What {@link #allowed} gives where all tokens may be drawn. */
    long[] ALL = {};

    /** How to pick. */
    SamplerSettings settings();

    /** The sequence's slot, as in {@link StepBatch#sequenceSlot}. */
    int slot();

    /** Prompt and output; {@link #length} of them count. Not to be changed. */
    int[] tokens();

    /** How many tokens are the prompt. */
    int promptLength();

    /** How many tokens there are: the position of the one to be drawn. */
    int length();

    /**
     * Which tokens may be drawn, by a bit each as {@link io.jllm.constraint.TokenMask#allowed} sets it, in as many words as the vocabulary needs;
     * no words where all may. The others are banned before anything else is done to the row; a runner that cannot do so says it by
     * {@link ModelRunner#samplesOnDevice}. Log-probabilities are those of the raw row. Not to be changed.
     */
    default long[] allowed() {
        return ALL;
    }
}
