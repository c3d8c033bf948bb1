package io.jllm.cpu;

import io.jllm.cpu.kernels.Workspace;
import io.jllm.model.Rope;
import io.jllm.spi.StepBatch;

/** Cosines and sines of a step's positions, computed once for all layers. Also the step that computes them. */
final class RopeTable implements Step {
    private final Rope rope;
    private final int pairs;
    private final float[] cos;
    private final float[] sin;

    RopeTable(Rope rope, int maxTokens) {
        this.rope = rope;
        pairs = rope.rotaryDim() / 2;
        cos = new float[Math.multiplyExact(maxTokens, pairs)];
        sin = new float[cos.length];
    }

    @Override
    public int tasks(StepBatch b) {
        return b.tokens;
    }

    @Override
    public void run(StepBatch b, int t, Workspace ws) {
        for (int i = 0; i < pairs; i++) {
            float angle = b.positions[t] * rope.invFreq()[i];
            cos[t * pairs + i] = (float) Math.cos(angle) * rope.attentionFactor();
            sin[t * pairs + i] = (float) Math.sin(angle) * rope.attentionFactor();
        }
    }

    Rope rope() {
        return rope;
    }

    /** Index in {@link #cos} and {@link #sin} of a token's first pair. */
    int at(int token) {
        return token * pairs;
    }

    float[] cos() {
        return cos;
    }

    float[] sin() {
        return sin;
    }
}
