package io.jllm.cpu.kernels;

import io.jllm.cpu.layout.Rows;
import io.jllm.model.Rope;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Cosines and sines of a step's positions, for all layers that rotate alike, as {@link LoopKernels#rotate} wants them: one each dimension that
 * is rotated, sines of the first of a pair negated. Threads may set different tokens at once.
 */
public final class Angles {
    private static final int ALIGNMENT = 64;

    private final Rope rope;
    private final float[] cos;
    private final float[] sin;
    /** The same outside the heap, for machine code: cosines, then sines. */
    private final MemorySegment memory;

    /** Room for so many tokens. */
    public Angles(Rope rope, int maxTokens) {
        this.rope = rope;
        cos = new float[Math.multiplyExact(maxTokens, rope.rotaryDim())];
        sin = new float[cos.length];
        memory = Arena.ofAuto().allocate(2L * cos.length * Float.BYTES, ALIGNMENT);
    }

    /** Computes those of a token at a position. */
    public void set(int token, int position) {
        int pairs = rope.rotaryDim() / 2;
        boolean halves = rope.layout() == Rope.Layout.NEOX;
        for (int i = 0; i < pairs; i++) {
            float angle = position * rope.invFreq()[i];
            float c = (float) Math.cos(angle) * rope.attentionFactor();
            float s = (float) Math.sin(angle) * rope.attentionFactor();
            int first = at(token) + (halves ? i : 2 * i);
            int second = first + (halves ? pairs : 1);
            cos[first] = c;
            cos[second] = c;
            sin[first] = -s;
            sin[second] = s;
        }
        MemorySegment.copy(cos, at(token), memory, Rows.FLOAT, (long) at(token) * Float.BYTES, rope.rotaryDim());
        MemorySegment.copy(sin, at(token), memory, Rows.FLOAT, (long) (cos.length + at(token)) * Float.BYTES, rope.rotaryDim());
    }

    /** Index in {@link #cos} and {@link #sin} of a token's first dimension. */
    public int at(int token) {
        return token * rope.rotaryDim();
    }

    /** Address of a token's cosines. */
    public long cosAddress(int token) {
        return memory.address() + (long) at(token) * Float.BYTES;
    }

    /** Address of a token's sines. */
    public long sinAddress(int token) {
        return cosAddress(token) + (long) cos.length * Float.BYTES;
    }

    /** All cosines, not a copy. */
    public float[] cos() {
        return cos;
    }

    /** All sines, not a copy. */
    public float[] sin() {
        return sin;
    }
}
