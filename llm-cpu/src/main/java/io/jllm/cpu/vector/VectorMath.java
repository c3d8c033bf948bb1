package io.jllm.cpu.vector;

import static io.jllm.cpu.vector.VectorKernels.F;
import static io.jllm.cpu.vector.VectorKernels.L;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/** Exponentials, and what softmax is made of. */
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

    static float largest(float[] s, int at, int n) {
        int end = fill(s, at, n);
        FloatVector m = FloatVector.broadcast(F, Float.NEGATIVE_INFINITY);
        for (int i = at; i < end; i += L) {
            m = m.max(FloatVector.fromArray(F, s, i));
        }
        return m.reduceLanes(VectorOperators.MAX);
    }

    /**
     * s = c tanh(s / c): for x = |s / c|, 1 - 2 / (exp(2x) + 1), and a polynomial where that would lose digits. Source of the polynomial: the
     * Cephes library's tanhf (Moshier).
     *
     * @param work room for as many, and a vector more
     */
    static void cap(float[] s, int at, int n, float c, float[] work) {
        int end = fill(s, at, n);
        for (int i = at; i < end; i += L) {
            FloatVector.fromArray(F, s, i).abs().mul(2 / c).intoArray(work, i - at);
        }
        exp(work, 0, end - at);
        for (int i = at; i < end; i += L) {
            FloatVector x = FloatVector.fromArray(F, s, i).mul(1 / c);
            FloatVector square = x.mul(x);
            FloatVector p = square.mul(-5.70498872745E-3f).add(2.06390887954E-2f);
            p = p.mul(square).add(-5.37397155531E-2f);
            p = p.mul(square).add(1.33314422036E-1f);
            p = p.mul(square).add(-3.33332819422E-1f);
            FloatVector small = p.mul(square).mul(x).add(x);
            FloatVector large = FloatVector.broadcast(F, -2f).div(FloatVector.fromArray(F, work, i - at).add(1f)).add(1f);
            large = large.blend(large.neg(), x.compare(VectorOperators.LT, 0f));
            large.blend(small, x.abs().compare(VectorOperators.LT, 0.625f)).mul(c).intoArray(s, i);
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
}
