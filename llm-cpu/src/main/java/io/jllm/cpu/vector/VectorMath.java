package io.jllm.cpu.vector;

import static io.jllm.cpu.vector.VectorKernels.F;
import static io.jllm.cpu.vector.VectorKernels.L;
import static java.nio.ByteOrder.LITTLE_ENDIAN;

import io.jllm.cpu.kernels.ScalarKernels;
import io.jllm.cpu.layout.Rows;
import io.jllm.model.Op.Activation;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/** Everything but matrix products. What does not fill a vector is computed one by one. */
final class VectorMath {
    private static final float LOG2_E = 1.44269504f;
    /** ln 2 in two parts, of which the first has few enough bits that its product with a small integer is exact. */
    private static final float LN2_HIGH = 0.693359375f;
    private static final float LN2_LOW = -2.12194440e-4f;
    /** Added to a small float, leaves its nearest integer in the low bits. */
    private static final float ROUND = 12_582_912f;
    private static final float EXP_MIN = -87.3f;
    private static final float EXP_MAX = 88.3f;
    private static final int EXPONENT_BIAS = 127;
    private static final int MANTISSA_BITS = 23;
    private static final float SQRT_2_PI = (float) Math.sqrt(2 / Math.PI);

    private VectorMath() {
    }

    /**
     * a[i] = exp(a[i]) to 2e-7 relative between -87 and 88; beyond them the value there. Powers of two and the polynomial of
     * the Cephes library's expf (Moshier). Not the Vector API's own EXP, which may differ between interpreter and compiler.
     */
    static void exp(float[] a, int at, int n) {
        int end = at + n - n % L;
        for (int i = at; i < end; i += L) {
            FloatVector x = FloatVector.fromArray(F, a, i).max(EXP_MIN).min(EXP_MAX);
            FloatVector shifted = x.mul(LOG2_E).add(ROUND);
            FloatVector k = shifted.sub(ROUND);
            FloatVector r = k.mul(-LN2_HIGH).add(x).sub(k.mul(LN2_LOW));
            FloatVector p = r.mul(1.9875691500E-4f).add(1.3981999507E-3f);
            p = p.mul(r).add(8.3334519073E-3f);
            p = p.mul(r).add(4.1665795894E-2f);
            p = p.mul(r).add(1.6666665459E-1f);
            p = p.mul(r).add(5.0000001201E-1f);
            p = p.mul(r).mul(r).add(r).add(1f);
            IntVector power = shifted.reinterpretAsInts().add(EXPONENT_BIAS).lanewise(VectorOperators.LSHL, MANTISSA_BITS);
            p.mul(power.reinterpretAsFloats()).intoArray(a, i);
        }
        for (int i = end; i < at + n; i++) {
            a[i] = (float) Math.exp(Math.clamp(a[i], EXP_MIN, EXP_MAX));
        }
    }

    /** Fills what is left of the last vector, and returns the end of it. */
    private static int fill(float[] s, int at, int n) {
        int end = at + Math.ceilDiv(n, L) * L;
        Arrays.fill(s, at + n, end, Float.NEGATIVE_INFINITY);
        return end;
    }

    static float largest(float[] s, int at, int n, float softCap) {
        if (softCap > 0) {
            cap(s, at, n, softCap);
        }
        int end = fill(s, at, n);
        FloatVector m = FloatVector.broadcast(F, Float.NEGATIVE_INFINITY);
        for (int i = at; i < end; i += L) {
            m = m.max(FloatVector.fromArray(F, s, i));
        }
        return m.reduceLanes(VectorOperators.MAX);
    }

    /** c tanh(s / c) = c - 2c / (exp(2s / c) + 1). */
    private static void cap(float[] s, int at, int n, float c) {
        int end = fill(s, at, n);
        for (int i = at; i < end; i += L) {
            FloatVector.fromArray(F, s, i).mul(2 / c).intoArray(s, i);
        }
        exp(s, at, end - at);
        for (int i = at; i < end; i += L) {
            FloatVector e = FloatVector.fromArray(F, s, i).add(1f);
            FloatVector.broadcast(F, -2 * c).div(e).add(c).intoArray(s, i);
        }
    }

    static float exponentials(float[] s, int at, int n, float max, float[] lanes) {
        int end = fill(s, at, n);
        for (int i = at; i < end; i += L) {
            FloatVector.fromArray(F, s, i).sub(max).intoArray(s, i);
        }
        exp(s, at, end - at);
        Arrays.fill(s, at + n, end, 0);
        FloatVector sums = FloatVector.zero(F);
        for (int i = at; i < end; i += L) {
            sums = sums.add(FloatVector.fromArray(F, s, i));
        }
        sums.intoArray(lanes, 0);
        return VectorDots.tree(lanes, 0);
    }

    static void rmsNorm(MemorySegment in, long inAt, MemorySegment out, long outAt, int n, float[] weight, float eps,
                        float[] lanes) {
        int end = n - n % L;
        FloatVector squares = FloatVector.zero(F);
        for (int i = 0; i < end; i += L) {
            FloatVector x = FloatVector.fromMemorySegment(F, in, inAt + 4L * i, LITTLE_ENDIAN);
            squares = x.fma(x, squares);
        }
        squares.intoArray(lanes, 0);
        float sum = VectorDots.tree(lanes, 0);
        for (int i = end; i < n; i++) {
            float x = in.get(Rows.FLOAT, inAt + 4L * i);
            sum += x * x;
        }
        float factor = (float) (1 / Math.sqrt((double) sum / n + eps));
        for (int i = 0; i < end; i += L) {
            FloatVector x = FloatVector.fromMemorySegment(F, in, inAt + 4L * i, LITTLE_ENDIAN);
            x.mul(factor).mul(FloatVector.fromArray(F, weight, i)).intoMemorySegment(out, outAt + 4L * i, LITTLE_ENDIAN);
        }
        for (int i = end; i < n; i++) {
            out.set(Rows.FLOAT, outAt + 4L * i, in.get(Rows.FLOAT, inAt + 4L * i) * factor * weight[i]);
        }
    }

    /**
     * Both activations are x / (1 + exp(-y)): y is x for SiLU, and for GELU, by 1 + tanh(z) = 2 / (1 + exp(-2z)), twice the
     * argument of its tanh.
     */
    static void gated(Activation kind, MemorySegment data, long gateAt, long upAt, MemorySegment out, long outAt, int n,
                      float[] e) {
        int end = n - n % L;
        switch (kind) {
            case SILU -> negated(data, gateAt, end, e);
            case GELU_TANH -> geluArgument(data, gateAt, end, e);
        }
        exp(e, 0, end);
        for (int i = 0; i < end; i += L) {
            FloatVector x = FloatVector.fromMemorySegment(F, data, gateAt + 4L * i, LITTLE_ENDIAN);
            FloatVector up = FloatVector.fromMemorySegment(F, data, upAt + 4L * i, LITTLE_ENDIAN);
            x.div(FloatVector.fromArray(F, e, i).add(1f)).mul(up).intoMemorySegment(out, outAt + 4L * i, LITTLE_ENDIAN);
        }
        for (int i = end; i < n; i++) {
            float act = ScalarKernels.activate(kind, data.get(Rows.FLOAT, gateAt + 4L * i));
            out.set(Rows.FLOAT, outAt + 4L * i, act * data.get(Rows.FLOAT, upAt + 4L * i));
        }
    }

    private static void negated(MemorySegment data, long at, int n, float[] e) {
        for (int i = 0; i < n; i += L) {
            FloatVector.fromMemorySegment(F, data, at + 4L * i, LITTLE_ENDIAN).neg().intoArray(e, i);
        }
    }

    private static void geluArgument(MemorySegment data, long at, int n, float[] e) {
        for (int i = 0; i < n; i += L) {
            FloatVector x = FloatVector.fromMemorySegment(F, data, at + 4L * i, LITTLE_ENDIAN);
            x.mul(x).mul(0.044715f).add(1f).mul(x).mul(-2 * SQRT_2_PI).intoArray(e, i);
        }
    }
}
