package io.jllm.cpu.kernels;

import io.jllm.model.Op.Activation;
import java.lang.foreign.MemorySegment;

/** What is done with rows of floats outside the heap. Offsets are in bytes. Thread-safe: each thread brings its own {@link Workspace}. */
public interface RowKernels {
    /** Norms with certain weights. */
    interface Norm {
        /** out = the norm of in, over {@code n} floats, as many as the weight has; in place too. */
        void apply(MemorySegment in, long inAt, MemorySegment out, long outAt, int n, Workspace ws);
    }

    /** Gated activation of one kind. */
    interface Gate {
        /** out = act(gate) * up, over {@code n} floats; gate and up lie in one segment. */
        void apply(MemorySegment in, long gateAt, long upAt, MemorySegment out, long outAt, int n, Workspace ws);
    }

    /** What becomes of each number by itself. */
    interface Each {
        /** out = f(in), over {@code n} floats; in place too. */
        void apply(MemorySegment in, long inAt, MemorySegment out, long outAt, int n, Workspace ws);
    }

    /** A root-mean-square norm with that weight. */
    Norm norm(float[] weight, float eps);

    /** A layer norm: out = (in - mean(in)) / sqrt(variance(in) + eps) * weight + bias. */
    Norm layerNorm(float[] weight, float[] bias, float eps);

    /** An activation without a gate. */
    Each act(Activation kind);

    /** out = factor * in, softly capped as {@link io.jllm.model.Op.Scale} says if the cap is above 0. */
    Each scale(float factor, float softCap);

    /** out = factor * in, over {@code n} floats; in place too. */
    void multiply(MemorySegment in, long inAt, float factor, MemorySegment out, long outAt, int n);

    /** out = a + factor * b, over {@code n} floats; in place too. */
    void add(MemorySegment a, long aAt, MemorySegment b, long bAt, float factor, MemorySegment out, long outAt, int n);

    /** An activation of that kind. */
    Gate gate(Activation kind);

    /**
     * The highest of {@code n} floats, NaN if any is none, and the sum of exp(x - highest), 0 if that is no finite number.
     *
     * @param highest receives the first at {@code i}
     * @param sums receives the second at {@code i}
     */
    void sums(MemorySegment x, long at, int n, float[] highest, float[] sums, int i, Workspace ws);
}
