package io.jllm.cpu.vector;

import static io.jllm.cpu.layout.Rows.FLOAT;
import static io.jllm.cpu.vector.VectorKernels.F;
import static io.jllm.cpu.vector.VectorKernels.L;
import static java.nio.ByteOrder.LITTLE_ENDIAN;

import io.jllm.cpu.kernels.ScalarKernels;
import io.jllm.model.Op.Activation;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/** Activations, with and without a gate. What does not fill a vector is computed one by one. */
final class VectorActivations {
    private static final float SQRT_2_PI = (float) Math.sqrt(2 / Math.PI);
    private static final float SQRT_HALF = (float) Math.sqrt(0.5);

    private VectorActivations() {
    }

    /** {@code a} is room for {@code n} floats. */
    static void act(Activation kind, MemorySegment in, long inAt, MemorySegment out, long outAt, int n, float[] a) {
        int end = n - n % L;
        activate(kind, in, inAt, end, a);
        for (int i = 0; i < end; i += L) {
            FloatVector.fromArray(F, a, i).intoMemorySegment(out, outAt + 4L * i, LITTLE_ENDIAN);
        }
        for (int i = end; i < n; i++) {
            out.set(FLOAT, outAt + 4L * i, ScalarKernels.activate(kind, in.get(FLOAT, inAt + 4L * i)));
        }
    }

    static void gated(Activation kind, MemorySegment data, long gateAt, long upAt, MemorySegment out, long outAt, int n, float[] a) {
        int end = n - n % L;
        if (kind == Activation.SWIGLU_OAI) {
            limited(data, gateAt, upAt, out, outAt, end, a);
        } else {
            activate(kind, data, gateAt, end, a);
            for (int i = 0; i < end; i += L) {
                FloatVector up = FloatVector.fromMemorySegment(F, data, upAt + 4L * i, LITTLE_ENDIAN);
                FloatVector.fromArray(F, a, i).mul(up).intoMemorySegment(out, outAt + 4L * i, LITTLE_ENDIAN);
            }
        }
        for (int i = end; i < n; i++) {
            out.set(FLOAT, outAt + 4L * i, ScalarKernels.gated(kind, data.get(FLOAT, gateAt + 4L * i), data.get(FLOAT, upAt + 4L * i)));
        }
    }

    /**
     * a = act(x), of whole vectors. SiLU and GELU by tanh are x / (1 + exp(-y)): y is x for SiLU, and for GELU, by
     * 1 + tanh(z) = 2 / (1 + exp(-2z)), twice the argument of its tanh.
     */
    private static void activate(Activation kind, MemorySegment in, long at, int n, float[] a) {
        switch (kind) {
            case SILU -> {
                for (int i = 0; i < n; i += L) {
                    FloatVector.fromMemorySegment(F, in, at + 4L * i, LITTLE_ENDIAN).neg().intoArray(a, i);
                }
                divide(in, at, n, a);
            }
            case GELU_TANH -> {
                for (int i = 0; i < n; i += L) {
                    FloatVector x = FloatVector.fromMemorySegment(F, in, at + 4L * i, LITTLE_ENDIAN);
                    x.mul(x).mul(0.044715f).add(1f).mul(x).mul(-2 * SQRT_2_PI).intoArray(a, i);
                }
                divide(in, at, n, a);
            }
            case GELU -> gelu(in, at, n, a);
            case RELU -> {
                for (int i = 0; i < n; i += L) {
                    FloatVector.fromMemorySegment(F, in, at + 4L * i, LITTLE_ENDIAN).max(0f).intoArray(a, i);
                }
            }
            case RELU_SQUARED -> {
                for (int i = 0; i < n; i += L) {
                    FloatVector x = FloatVector.fromMemorySegment(F, in, at + 4L * i, LITTLE_ENDIAN).max(0f);
                    x.mul(x).intoArray(a, i);
                }
            }
            case SWIGLU_OAI -> throw new IllegalArgumentException(kind + " needs a gate");
        }
    }

    /** a = x / (1 + exp(a)). */
    private static void divide(MemorySegment in, long at, int n, float[] a) {
        VectorMath.exp(a, 0, n);
        for (int i = 0; i < n; i += L) {
            FloatVector x = FloatVector.fromMemorySegment(F, in, at + 4L * i, LITTLE_ENDIAN);
            x.div(FloatVector.fromArray(F, a, i).add(1f)).intoArray(a, i);
        }
    }

    /** By the approximation of erf that {@link ScalarKernels} has. */
    private static void gelu(MemorySegment in, long at, int n, float[] a) {
        for (int i = 0; i < n; i += L) {
            FloatVector x = FloatVector.fromMemorySegment(F, in, at + 4L * i, LITTLE_ENDIAN);
            x.mul(x).mul(-0.5f).intoArray(a, i);
        }
        VectorMath.exp(a, 0, n);
        for (int i = 0; i < n; i += L) {
            FloatVector x = FloatVector.fromMemorySegment(F, in, at + 4L * i, LITTLE_ENDIAN);
            FloatVector t = FloatVector.broadcast(F, 1f).div(x.abs().mul(ScalarKernels.ERF_P * SQRT_HALF).add(1f));
            FloatVector p = t.mul(ScalarKernels.ERF_5).add(ScalarKernels.ERF_4);
            p = p.mul(t).add(ScalarKernels.ERF_3);
            p = p.mul(t).add(ScalarKernels.ERF_2);
            p = p.mul(t).add(ScalarKernels.ERF_1);
            FloatVector below = p.mul(t).mul(FloatVector.fromArray(F, a, i)).mul(0.5f);
            FloatVector share = below.blend(below.neg().add(1f), x.compare(VectorOperators.GE, 0f));
            x.mul(share).intoArray(a, i);
        }
    }

    private static void limited(MemorySegment data, long gateAt, long upAt, MemorySegment out, long outAt, int n, float[] a) {
        for (int i = 0; i < n; i += L) {
            FloatVector.fromMemorySegment(F, data, gateAt + 4L * i, LITTLE_ENDIAN).min(ScalarKernels.SWIGLU_LIMIT).mul(-ScalarKernels.SWIGLU_ALPHA)
                    .intoArray(a, i);
        }
        VectorMath.exp(a, 0, n);
        for (int i = 0; i < n; i += L) {
            FloatVector gate = FloatVector.fromMemorySegment(F, data, gateAt + 4L * i, LITTLE_ENDIAN).min(ScalarKernels.SWIGLU_LIMIT);
            FloatVector up = FloatVector.fromMemorySegment(F, data, upAt + 4L * i, LITTLE_ENDIAN).min(ScalarKernels.SWIGLU_LIMIT)
                    .max(-ScalarKernels.SWIGLU_LIMIT);
            gate.div(FloatVector.fromArray(F, a, i).add(1f)).mul(up.add(1f)).intoMemorySegment(out, outAt + 4L * i, LITTLE_ENDIAN);
        }
    }
}
