package io.jllm.cpu.op;

import io.jllm.cpu.kernels.Angles;
import io.jllm.cpu.kernels.SequenceIndex;
import io.jllm.cpu.kernels.Workspace;
import io.jllm.spi.StepBatch;

/** Computes cosines and sines of a step's positions, once for all layers that rotate alike. An iteration is a tile of tokens. */
record RopeTable(Angles angles, SequenceIndex sequences) implements CompiledOp {
    @Override
    public int tasks(StepBatch b) {
        angles.prepare(b);
        return sequences.tiles();
    }

    @Override
    public void run(StepBatch b, int tile, Workspace ws) {
        for (int t = sequences.start(tile); t < sequences.start(tile + 1); t++) {
            angles.set(b, sequences.sequence(tile), t);
        }
    }
}
