package io.jllm.cpu.vector;

import static io.jllm.cpu.vector.VectorHalfKv.EXPONENT;
import static io.jllm.cpu.vector.VectorHalfKv.I;
import static io.jllm.cpu.vector.VectorHalfKv.MASK;
import static io.jllm.cpu.vector.VectorHalfKv.S;
import static io.jllm.cpu.vector.VectorHalfKv.SHIFT;
import static io.jllm.cpu.vector.VectorHalfKv.SIGNED;
import static io.jllm.cpu.vector.VectorKernels.F;
import static io.jllm.cpu.vector.VectorKernels.L;
import static java.nio.ByteOrder.LITTLE_ENDIAN;

import io.jllm.cpu.layout.attention.KvLayout;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorOperators.Conversion;
import jdk.incubator.vector.VectorSpecies;

/** Keys and values of 8 bits, with scales in half precision: decoded for many rows of queries, or in registers for four. */
final class VectorByteKv {
    /** At least 64 bits, the smallest vector: with 4 lanes, half of it is not used. */
    private static final VectorSpecies<Byte> B = VectorUnpack.B;
    private static final Conversion<Byte, Float> TO_FLOAT = VectorOperators.B2F;

    private VectorByteKv() {
    }

    /** Decodes all keys of a page, dimension by dimension, and up to a vector more. */
    static void decodeKeys(KvLayout layout, MemorySegment page, long at, MemorySegment to) {
        int positions = layout.positions();
        for (int d = 0; d < layout.dim(); d += KvLayout.BLOCK) {
            int dims = Math.min(KvLayout.BLOCK, layout.dim() - d);
            // The last ones first: what they write too much, into the next dimension, is then written again.
            for (int p = (positions - 1) / L * L; p >= 0; p -= L) {
                long first = (long) d * positions + p;
                decodeLanes(page, at + first, scales(layout, at, d, p), to, 4L * first, positions, dims);
            }
        }
    }

    /** Where the scales of the keys' dimensions from d on start, for positions from p on. */
    private static long scales(KvLayout layout, long at, int d, int p) {
        return at + layout.scalesAt() + 2L * (d / KvLayout.BLOCK * layout.positions() + p);
    }

    /** Positions that fill a vector, some dimensions of each. */
    private static void decodeLanes(MemorySegment src, long at, long scales, MemorySegment dst, long to, int step, int dims) {
        var h = (IntVector) ShortVector.fromMemorySegment(S, src, scales, LITTLE_ENDIAN).convertShape(SIGNED, I, 0);
        FloatVector scale = h.lanewise(VectorOperators.LSHL, SHIFT).and(MASK).reinterpretAsFloats().mul(EXPONENT);
        for (int d = 0; d < dims; d++) {
            ByteVector q = ByteVector.fromMemorySegment(B, src, at + (long) d * step, LITTLE_ENDIAN);
            ((FloatVector) q.convertShape(TO_FLOAT, F, 0)).mul(scale).intoMemorySegment(dst, to + 4L * d * step, LITTLE_ENDIAN);
        }
    }

    /** Decodes the values of some positions, and up to a vector more. */
    static void decodeValues(KvLayout layout, MemorySegment page, long at, int from, int n, MemorySegment to) {
        int dim = layout.dim();
        for (int j = 0; j < n; j++) {
            long first = at + (long) (from + j) * dim;
            long scales = at + layout.scalesAt() + 2L * (from + j) * layout.scales();
            for (int i = 0; i < dim; i += L) {
                float scale = Float.float16ToFloat(page.get(KvLayout.HALF, scales + 2L * (i / KvLayout.BLOCK)));
                ByteVector q = ByteVector.fromMemorySegment(B, page, first + i, LITTLE_ENDIAN);
                ((FloatVector) q.convertShape(TO_FLOAT, F, 0)).mul(scale).intoMemorySegment(to, 4L * (j * dim + i), LITTLE_ENDIAN);
            }
        }
    }

    /** As {@link VectorAttention#keys4}, for the positions from {@code p} on. */
    static void keys4(KvLayout layout, MemorySegment k, long at, int p, float[] q, float[] s, int to, int stride) {
        int dim = layout.dim();
        long step = layout.positions();
        FloatVector a0 = FloatVector.zero(F), a1 = a0, a2 = a0, a3 = a0;
        for (int b = 0; b < dim; b += KvLayout.BLOCK) {
            var h = (IntVector) ShortVector.fromMemorySegment(S, k, scales(layout, at, b, p), LITTLE_ENDIAN).convertShape(SIGNED, I, 0);
            FloatVector scale = h.lanewise(VectorOperators.LSHL, SHIFT).and(MASK).reinterpretAsFloats().mul(EXPONENT);
            for (int d = b; d < Math.min(dim, b + KvLayout.BLOCK); d++) {
                ByteVector bytes = ByteVector.fromMemorySegment(B, k, at + p + d * step, LITTLE_ENDIAN);
                FloatVector key = ((FloatVector) bytes.convertShape(TO_FLOAT, F, 0)).mul(scale);
                a0 = key.fma(FloatVector.broadcast(F, q[d]), a0);
                a1 = key.fma(FloatVector.broadcast(F, q[dim + d]), a1);
                a2 = key.fma(FloatVector.broadcast(F, q[2 * dim + d]), a2);
                a3 = key.fma(FloatVector.broadcast(F, q[3 * dim + d]), a3);
            }
        }
        a0.intoArray(s, to);
        a1.intoArray(s, to + stride);
        a2.intoArray(s, to + 2 * stride);
        a3.intoArray(s, to + 3 * stride);
    }

    /**
     * As {@link VectorAttention#values4x2}; the columns share a scale.
     *
     * @param at where the values start
     * @param i the first column
     */
    static void values4x2(KvLayout layout, MemorySegment v, long at, int from, int i, int n, float[] p, int r, int stride, float[] acc, int to,
                          int accStride) {
        int dim = layout.dim();
        long scales = at + layout.scalesAt() + 2L * (from * layout.scales() + i / KvLayout.BLOCK);
        long bytes = at + (long) from * dim + i;
        FloatVector a0 = FloatVector.fromArray(F, acc, to);
        FloatVector b0 = FloatVector.fromArray(F, acc, to + L);
        FloatVector a1 = FloatVector.fromArray(F, acc, to + accStride);
        FloatVector b1 = FloatVector.fromArray(F, acc, to + accStride + L);
        FloatVector a2 = FloatVector.fromArray(F, acc, to + 2 * accStride);
        FloatVector b2 = FloatVector.fromArray(F, acc, to + 2 * accStride + L);
        FloatVector a3 = FloatVector.fromArray(F, acc, to + 3 * accStride);
        FloatVector b3 = FloatVector.fromArray(F, acc, to + 3 * accStride + L);
        for (int j = 0; j < n; j++) {
            float scale = Float.float16ToFloat(v.get(KvLayout.HALF, scales + 2L * j * layout.scales()));
            ByteVector q = ByteVector.fromMemorySegment(B, v, bytes + (long) j * dim, LITTLE_ENDIAN);
            FloatVector u = ((FloatVector) q.convertShape(TO_FLOAT, F, 0)).mul(scale);
            q = ByteVector.fromMemorySegment(B, v, bytes + (long) j * dim + L, LITTLE_ENDIAN);
            FloatVector w = ((FloatVector) q.convertShape(TO_FLOAT, F, 0)).mul(scale);
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
