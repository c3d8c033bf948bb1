package io.jllm.engine.step;

import io.jllm.engine.sequence.Sequence;
import io.jllm.sampling.SamplerSettings;
import io.jllm.spi.RowSampling;

/**
 * How to draw the next token of a sequence under a constraint.
 *
 * @param allowed what the constraint allows now
 */
record MaskedRow(Sequence sequence, long[] allowed) implements RowSampling {
    @Override
    public SamplerSettings settings() {
        return sequence.settings();
    }

    @Override
    public int slot() {
        return sequence.slot();
    }

    @Override
    public int[] tokens() {
        return sequence.tokens();
    }

    @Override
    public int promptLength() {
        return sequence.promptLength();
    }

    @Override
    public int length() {
        return sequence.length();
    }
}
