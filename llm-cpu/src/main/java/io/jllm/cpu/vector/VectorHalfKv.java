package io.jllm.cpu.vector;

import static io.jllm.cpu.vector.VectorKernels.F;
import static io.jllm.cpu.vector.VectorKernels.L;
import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorOperators.Conversion;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * Keys and values in half precision: decoded for many rows of queries, or in registers for four. Sign, exponent and mantissa are
 * shifted to where a float has them, and a multiplication mends what the exponents differ by (numbers without a leading one come
 * right too, but what is no number becomes a large one).
 */
final class VectorHalfKv {
    static final VectorSpecies<Short> S = VectorSpecies.of(short.class, VectorShape.forBitSize(16 * L));
    static final VectorSpecies<Integer> I = VectorSpecies.of(int.class, F.vectorShape());
    /** With copies of the sign above the exponent. */
    static final Conversion<Short, Integer> SIGNED = VectorOperators.S2I;
    static final int SHIFT = 13;
    static final int MASK = 0x8fff_e000;
    static final float EXPONENT = 0x1p112f;

    private VectorHalfKv() {
    }

    /** Decodes {@code n} numbers and up to a vector more. */
    static void decode(MemorySegment src, long at, MemorySegment dst, int n) {
        for (int i = 0; i < n; i += L) {
            var h = (IntVector) ShortVector.fromMemorySegment(S, src, at + 2L * i, LITTLE_ENDIAN).convertShape(SIGNED, I, 0);
            h.lanewise(VectorOperators.LSHL, SHIFT).and(MASK).reinterpretAsFloats().mul(EXPONENT).intoMemorySegment(dst, 4L * i, LITTLE_ENDIAN);
        }
    }

    /** As {@link VectorAttention#keys4}. */
    static void keys4(MemorySegment k, long at, long step, int dim, float[] q, float[] s, int to, int stride) {
        FloatVector a0 = FloatVector.zero(F), a1 = a0, a2 = a0, a3 = a0;
        for (int d = 0; d < dim; d++) {
            var h = (IntVector) ShortVector.fromMemorySegment(S, k, at + d * step, LITTLE_ENDIAN).convertShape(SIGNED, I, 0);
            FloatVector key = h.lanewise(VectorOperators.LSHL, SHIFT).and(MASK).reinterpretAsFloats().mul(EXPONENT);
            a0 = key.fma(FloatVector.broadcast(F, q[d]), a0);
            a1 = key.fma(FloatVector.broadcast(F, q[dim + d]), a1);
            a2 = key.fma(FloatVector.broadcast(F, q[2 * dim + d]), a2);
            a3 = key.fma(FloatVector.broadcast(F, q[3 * dim + d]), a3);
        }
        a0.intoArray(s, to);
        a1.intoArray(s, to + stride);
        a2.intoArray(s, to + 2 * stride);
        a3.intoArray(s, to + 3 * stride);
    }

    /** As {@link VectorAttention#values4x2}. */
    static void values4x2(MemorySegment v, long at, long step, int n, float[] p, int r, int stride, float[] acc, int to, int accStride) {
        FloatVector a0 = FloatVector.fromArray(F, acc, to);
        FloatVector b0 = FloatVector.fromArray(F, acc, to + L);
        FloatVector a1 = FloatVector.fromArray(F, acc, to + accStride);
        FloatVector b1 = FloatVector.fromArray(F, acc, to + accStride + L);
        FloatVector a2 = FloatVector.fromArray(F, acc, to + 2 * accStride);
        FloatVector b2 = FloatVector.fromArray(F, acc, to + 2 * accStride + L);
        FloatVector a3 = FloatVector.fromArray(F, acc, to + 3 * accStride);
        FloatVector b3 = FloatVector.fromArray(F, acc, to + 3 * accStride + L);
        for (int j = 0; j < n; j++) {
            var h = (IntVector) ShortVector.fromMemorySegment(S, v, at + j * step, LITTLE_ENDIAN).convertShape(SIGNED, I, 0);
            FloatVector u = h.lanewise(VectorOperators.LSHL, SHIFT).and(MASK).reinterpretAsFloats().mul(EXPONENT);
            h = (IntVector) ShortVector.fromMemorySegment(S, v, at + j * step + 2L * L, LITTLE_ENDIAN).convertShape(SIGNED, I, 0);
            FloatVector w = h.lanewise(VectorOperators.LSHL, SHIFT).and(MASK).reinterpretAsFloats().mul(EXPONENT);
            FloatVector x = FloatVector.broadcast(F, p[r + j]);
            a0 = u.fma(x, a0);
            b0 = w.fma(x, b0);
            x = FloatVector.broadcast(F, p[r + stride + j]);
            a1 = u.fma(x, a1);
            b1 = w.fma(x, b1);
            x = FloatVector.broadcast(F, p[r + 2 * stride + j]);
            a2 = u.fma(x, a2);
            b2 = w.fma(x, b2);
            x = FloatVector.broadcast(F, p[r + 3 * stride + j]);
            a3 = u.fma(x, a3);
            b3 = w.fma(x, b3);
        }
        a0.intoArray(acc, to);
        b0.intoArray(acc, to + L);
        a1.intoArray(acc, to + accStride);
        b1.intoArray(acc, to + accStride + L);
        a2.intoArray(acc, to + 2 * accStride);
        b2.intoArray(acc, to + 2 * accStride + L);
        a3.intoArray(acc, to + 3 * accStride);
        b3.intoArray(acc, to + 3 * accStride + L);
    }
}
