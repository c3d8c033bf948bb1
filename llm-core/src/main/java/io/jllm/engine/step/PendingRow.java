package io.jllm.engine.step;

import io.jllm.engine.sequence.Sequence;
import io.jllm.sampling.SamplerSettings;
import io.jllm.spi.RowSampling;

/**
 * How to draw a token of a sequence that may come after others that are drawn and not read yet.
 *
 * @param length its position
 */
record PendingRow(Sequence sequence, SamplerSettings settings, int length) implements RowSampling {
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
}
