package io.jllm.cpu.kernels;

import io.jllm.cpu.layout.Rows;
import io.jllm.model.Rope;
import io.jllm.spi.StepBatch;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

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
    /** By slot of a sequence: the length of its text, if that is a long one, and the frequencies for it, which take long to compute. */
    private int[] lengths = {};
    private float[][] frequencies = {};

    /** Room for so many tokens. */
    public Angles(Rope rope, int maxTokens) {
        this.rope = rope;
        cos = new float[Math.multiplyExact(maxTokens, rope.rotaryDim())];
        sin = new float[cos.length];
        memory = Arena.ofAuto().allocate(2L * cos.length * Float.BYTES, ALIGNMENT);
    }

    /** Looks up the frequencies of the batch's long texts; to be called before its tokens are set. */
    public void prepare(StepBatch b) {
        if (rope.longer().isEmpty()) {
            return;
        }
        Rope.Longer longer = rope.longer().get();
        for (int s = 0; s < b.sequences; s++) {
            int slot = b.sequenceSlot[s];
            if (b.ropeLength[s] > longer.above()) {
                if (slot >= lengths.length) {
                    lengths = Arrays.copyOf(lengths, slot + 1);
                    frequencies = Arrays.copyOf(frequencies, slot + 1);
                }
                if (lengths[slot] != b.ropeLength[s]) {
                    lengths[slot] = b.ropeLength[s];
                    frequencies[slot] = longer.invFreq(b.ropeLength[s]);
                }
            }
        }
    }

    /** Computes those of a token of a sequence of the batch. */
    public void set(StepBatch b, int sequence, int token) {
        if (rope.longer().isPresent() && b.ropeLength[sequence] > rope.longer().get().above()) {
            set(token, b.positions[token], frequencies[b.sequenceSlot[sequence]], rope.longer().get().attentionFactor());
        } else {
            set(token, b.positions[token], rope.invFreq(), rope.attentionFactor());
        }
    }

    private void set(int token, int position, float[] invFreq, float attentionFactor) {
        int pairs = rope.rotaryDim() / 2;
        boolean halves = rope.layout() == Rope.Layout.NEOX;
        for (int i = 0; i < pairs; i++) {
            float angle = position * invFreq[i];
            float c = (float) Math.cos(angle) * attentionFactor;
            float s = (float) Math.sin(angle) * attentionFactor;
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
