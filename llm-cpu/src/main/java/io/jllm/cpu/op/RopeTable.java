package io.jllm.cpu.op;

import io.jllm.cpu.kernels.Workspace;
import io.jllm.cpu.layout.Rows;
import io.jllm.model.Rope;
import io.jllm.spi.StepBatch;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Cosines and sines of a step's positions, computed once for all layers, as {@link io.jllm.cpu.kernels.Kernels#rotate} wants them:
 * one each dimension that is rotated, sines of the first of a pair negated. Also the step that computes them.
 */
final class RopeTable implements CompiledOp {
    private static final int ALIGNMENT = 64;

    private final Rope rope;
    private final float[] cos;
    private final float[] sin;
    /** The same outside the heap: cosines, then sines. */
    private final MemorySegment memory;

    RopeTable(Rope rope, int maxTokens) {
        this.rope = rope;
        cos = new float[Math.multiplyExact(maxTokens, rope.rotaryDim())];
        sin = new float[cos.length];
        memory = Arena.ofAuto().allocate(2L * cos.length * Float.BYTES, ALIGNMENT);
    }

    @Override
    public int tasks(StepBatch b) {
        return b.tokens;
    }

    @Override
    public void run(StepBatch b, int t, Workspace ws) {
        int pairs = rope.rotaryDim() / 2;
        boolean halves = rope.layout() == Rope.Layout.NEOX;
        for (int i = 0; i < pairs; i++) {
            float angle = b.positions[t] * rope.invFreq()[i];
            float c = (float) Math.cos(angle) * rope.attentionFactor();
            float s = (float) Math.sin(angle) * rope.attentionFactor();
            int first = at(t) + (halves ? i : 2 * i);
            int second = first + (halves ? pairs : 1);
            cos[first] = c;
            cos[second] = c;
            sin[first] = -s;
            sin[second] = s;
        }
        MemorySegment.copy(cos, at(t), memory, Rows.FLOAT, (long) at(t) * Float.BYTES, rope.rotaryDim());
        MemorySegment.copy(sin, at(t), memory, Rows.FLOAT, (long) (cos.length + at(t)) * Float.BYTES, rope.rotaryDim());
    }

    Rope rope() {
        return rope;
    }

    /** Index in {@link #cos} and {@link #sin} of a token's first dimension. */
    int at(int token) {
        return token * rope.rotaryDim();
    }

    /** Address of a token's cosines. */
    long cosAddress(int token) {
        return memory.address() + (long) at(token) * Float.BYTES;
    }

    /** Address of a token's sines. */
    long sinAddress(int token) {
        return cosAddress(token) + (long) cos.length * Float.BYTES;
    }

    float[] cos() {
        return cos;
    }

    float[] sin() {
        return sin;
    }
}
