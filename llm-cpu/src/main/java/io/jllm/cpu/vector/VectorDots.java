package io.jllm.cpu.vector;

import static io.jllm.cpu.vector.VectorKernels.F;
import static io.jllm.cpu.vector.VectorKernels.L;
import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/**
 * Register tiles of dot products. Each writes the running sums of {@code n} floats (whole vectors), lane by lane, to
 * {@code lanes}; {@link #tree} adds them up. Every tile does the same for one pair of a row and a token, so shapes may be mixed.
 * Offsets and strides are in bytes. Bodies are kept small: long ones take seconds to compile.
 */
final class VectorDots {
    private VectorDots() {
    }

    /** Four rows by four tokens; row r and token t end at {@code lanes[(t * 4 + r) * L]}. */
    static void tile4x4(MemorySegment w, long w0, long ws, MemorySegment x, long x0, long xs, int n, float[] lanes) {
        FloatVector a00 = FloatVector.zero(F), a01 = a00, a02 = a00, a03 = a00;
        FloatVector a10 = a00, a11 = a00, a12 = a00, a13 = a00;
        FloatVector a20 = a00, a21 = a00, a22 = a00, a23 = a00;
        FloatVector a30 = a00, a31 = a00, a32 = a00, a33 = a00;
        for (int i = 0; i < n; i += L) {
            long wi = w0 + 4L * i;
            long xi = x0 + 4L * i;
            FloatVector u0 = FloatVector.fromMemorySegment(F, w, wi, LITTLE_ENDIAN);
            FloatVector u1 = FloatVector.fromMemorySegment(F, w, wi + ws, LITTLE_ENDIAN);
            FloatVector u2 = FloatVector.fromMemorySegment(F, w, wi + 2 * ws, LITTLE_ENDIAN);
            FloatVector u3 = FloatVector.fromMemorySegment(F, w, wi + 3 * ws, LITTLE_ENDIAN);
            FloatVector v = FloatVector.fromMemorySegment(F, x, xi, LITTLE_ENDIAN);
            a00 = u0.fma(v, a00);
            a01 = u1.fma(v, a01);
            a02 = u2.fma(v, a02);
            a03 = u3.fma(v, a03);
            v = FloatVector.fromMemorySegment(F, x, xi + xs, LITTLE_ENDIAN);
            a10 = u0.fma(v, a10);
            a11 = u1.fma(v, a11);
            a12 = u2.fma(v, a12);
            a13 = u3.fma(v, a13);
            v = FloatVector.fromMemorySegment(F, x, xi + 2 * xs, LITTLE_ENDIAN);
            a20 = u0.fma(v, a20);
            a21 = u1.fma(v, a21);
            a22 = u2.fma(v, a22);
            a23 = u3.fma(v, a23);
            v = FloatVector.fromMemorySegment(F, x, xi + 3 * xs, LITTLE_ENDIAN);
            a30 = u0.fma(v, a30);
            a31 = u1.fma(v, a31);
            a32 = u2.fma(v, a32);
            a33 = u3.fma(v, a33);
        }
        a00.intoArray(lanes, 0);
        a01.intoArray(lanes, L);
        a02.intoArray(lanes, 2 * L);
        a03.intoArray(lanes, 3 * L);
        a10.intoArray(lanes, 4 * L);
        a11.intoArray(lanes, 5 * L);
        a12.intoArray(lanes, 6 * L);
        a13.intoArray(lanes, 7 * L);
        a20.intoArray(lanes, 8 * L);
        a21.intoArray(lanes, 9 * L);
        a22.intoArray(lanes, 10 * L);
        a23.intoArray(lanes, 11 * L);
        a30.intoArray(lanes, 12 * L);
        a31.intoArray(lanes, 13 * L);
        a32.intoArray(lanes, 14 * L);
        a33.intoArray(lanes, 15 * L);
    }

    /** Four rows by one token; row r ends at {@code lanes[r * L]}. */
    static void tile4x1(MemorySegment w, long w0, long ws, MemorySegment x, long x0, int n, float[] lanes) {
        FloatVector a0 = FloatVector.zero(F), a1 = a0, a2 = a0, a3 = a0;
        for (int i = 0; i < n; i += L) {
            long wi = w0 + 4L * i;
            FloatVector v = FloatVector.fromMemorySegment(F, x, x0 + 4L * i, LITTLE_ENDIAN);
            a0 = FloatVector.fromMemorySegment(F, w, wi, LITTLE_ENDIAN).fma(v, a0);
            a1 = FloatVector.fromMemorySegment(F, w, wi + ws, LITTLE_ENDIAN).fma(v, a1);
            a2 = FloatVector.fromMemorySegment(F, w, wi + 2 * ws, LITTLE_ENDIAN).fma(v, a2);
            a3 = FloatVector.fromMemorySegment(F, w, wi + 3 * ws, LITTLE_ENDIAN).fma(v, a3);
        }
        a0.intoArray(lanes, 0);
        a1.intoArray(lanes, L);
        a2.intoArray(lanes, 2 * L);
        a3.intoArray(lanes, 3 * L);
    }

    /** One row by one token. */
    static void tile1x1(MemorySegment w, long w0, MemorySegment x, long x0, int n, float[] lanes) {
        FloatVector a = FloatVector.zero(F);
        for (int i = 0; i < n; i += L) {
            FloatVector v = FloatVector.fromMemorySegment(F, x, x0 + 4L * i, LITTLE_ENDIAN);
            a = FloatVector.fromMemorySegment(F, w, w0 + 4L * i, LITTLE_ENDIAN).fma(v, a);
        }
        a.intoArray(lanes, 0);
    }

    /**
     * Adds the L running sums at {@code at} as a balanced tree, half to half. Written out, and not as the vector's own
     * reduction, whose order the Vector API leaves open (interpreter and compiler may differ).
     */
    static float tree(float[] s, int at) {
        for (int half = L / 2; half > 8; half /= 2) {
            for (int i = at; i < at + half; i++) {
                s[i] += s[i + half];
            }
        }
        return switch (L) {
            case 4 -> tree4(s[at], s[at + 1], s[at + 2], s[at + 3]);
            case 8 -> tree4(s[at] + s[at + 4], s[at + 1] + s[at + 5], s[at + 2] + s[at + 6], s[at + 3] + s[at + 7]);
            default -> tree4((s[at] + s[at + 8]) + (s[at + 4] + s[at + 12]), (s[at + 1] + s[at + 9]) + (s[at + 5] + s[at + 13]),
                    (s[at + 2] + s[at + 10]) + (s[at + 6] + s[at + 14]), (s[at + 3] + s[at + 11]) + (s[at + 7] + s[at + 15]));
        };
    }

    private static float tree4(float a, float b, float c, float d) {
        return (a + c) + (b + d);
    }
}
