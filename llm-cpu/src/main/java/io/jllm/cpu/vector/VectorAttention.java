package io.jllm.cpu.vector;

import static io.jllm.cpu.vector.VectorKernels.F;
import static io.jllm.cpu.vector.VectorKernels.L;
import static java.nio.ByteOrder.LITTLE_ENDIAN;

import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.layout.attention.KvLayout;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/**
 * Products of queries with keys, and sums of values. A lane is a position where keys are read, and a dimension where values are; so
 * each number is summed up in its own lane, in the order of dimensions or positions, whatever tile it is part of. Tiles may read
 * and write a few numbers too many, of which no use is made.
 *
 * <p>Rows come in fours: with fewer the multipliers would wait for themselves. What is not stored as floats is decoded in registers if
 * there are no more than four of them, else to {@code tile} first, with the same result.
 */
final class VectorAttention {
    /** Whether one vector holds a usual page's positions; else two are computed together, to keep the multipliers busy. */
    private static final boolean LONG = L >= 16;

    private VectorAttention() {
    }

    static void scores(KvLayout layout, MemorySegment page, long keys, int from, int n, float[] q, int rows, float[] s, int at, int stride,
                       MemorySegment tile) {
        switch (layout.type()) {
            case F32 -> floatScores(layout, page, keys + 4L * from, n, q, rows, s, at, stride);
            case F16 -> {
                if (rows == 4) {
                    for (int p = 0; p < n; p += L) {
                        VectorHalfKv.keys4(page, keys + 2L * (from + p), 2L * layout.positions(), layout.dim(), q, s, at + p, stride);
                    }
                } else {
                    VectorHalfKv.decode(page, keys, tile, layout.dim() * layout.positions());
                    floatScores(layout, tile, 4L * from, n, q, rows, s, at, stride);
                }
            }
            default -> {
                if (rows == 4) {
                    for (int p = 0; p < n; p += L) {
                        VectorByteKv.keys4(layout, page, keys, from + p, q, s, at + p, stride);
                    }
                } else {
                    VectorByteKv.decodeKeys(layout, page, keys, tile);
                    floatScores(layout, tile, 4L * from, n, q, rows, s, at, stride);
                }
            }
        }
    }

    private static void floatScores(KvLayout layout, MemorySegment k, long first, int n, float[] q, int rows, float[] s, int at, int stride) {
        long step = 4L * layout.positions();
        int dim = layout.dim();
        int r = 0;
        for (; r <= rows - 8; r += 8) {
            for (int p = 0; p < n; p += L) {
                keys8(k, first + 4L * p, step, dim, q, r * dim, s, at + r * stride + p, stride);
            }
        }
        if (r < rows) {
            for (int p = 0; p < n; p += LONG ? L : 2 * L) {
                if (LONG) {
                    keys4(k, first + 4L * p, step, dim, q, r * dim, s, at + r * stride + p, stride);
                } else {
                    keys4x2(k, first + 4L * p, step, dim, q, r * dim, s, at + r * stride + p, stride);
                }
            }
        }
    }

    /** Scores of a vector of positions, for eight rows. */
    private static void keys8(MemorySegment k, long at, long step, int dim, float[] q, int r, float[] s, int to, int stride) {
        FloatVector a0 = FloatVector.zero(F), a1 = a0, a2 = a0, a3 = a0, a4 = a0, a5 = a0, a6 = a0, a7 = a0;
        for (int d = 0; d < dim; d++) {
            FloatVector key = FloatVector.fromMemorySegment(F, k, at + d * step, LITTLE_ENDIAN);
            a0 = key.fma(FloatVector.broadcast(F, q[r + d]), a0);
            a1 = key.fma(FloatVector.broadcast(F, q[r + dim + d]), a1);
            a2 = key.fma(FloatVector.broadcast(F, q[r + 2 * dim + d]), a2);
            a3 = key.fma(FloatVector.broadcast(F, q[r + 3 * dim + d]), a3);
            a4 = key.fma(FloatVector.broadcast(F, q[r + 4 * dim + d]), a4);
            a5 = key.fma(FloatVector.broadcast(F, q[r + 5 * dim + d]), a5);
            a6 = key.fma(FloatVector.broadcast(F, q[r + 6 * dim + d]), a6);
            a7 = key.fma(FloatVector.broadcast(F, q[r + 7 * dim + d]), a7);
        }
        a0.intoArray(s, to);
        a1.intoArray(s, to + stride);
        a2.intoArray(s, to + 2 * stride);
        a3.intoArray(s, to + 3 * stride);
        a4.intoArray(s, to + 4 * stride);
        a5.intoArray(s, to + 5 * stride);
        a6.intoArray(s, to + 6 * stride);
        a7.intoArray(s, to + 7 * stride);
    }

    /** The same for four. */
    private static void keys4(MemorySegment k, long at, long step, int dim, float[] q, int r, float[] s, int to, int stride) {
        FloatVector a0 = FloatVector.zero(F), a1 = a0, a2 = a0, a3 = a0;
        for (int d = 0; d < dim; d++) {
            FloatVector key = FloatVector.fromMemorySegment(F, k, at + d * step, LITTLE_ENDIAN);
            a0 = key.fma(FloatVector.broadcast(F, q[r + d]), a0);
            a1 = key.fma(FloatVector.broadcast(F, q[r + dim + d]), a1);
            a2 = key.fma(FloatVector.broadcast(F, q[r + 2 * dim + d]), a2);
            a3 = key.fma(FloatVector.broadcast(F, q[r + 3 * dim + d]), a3);
        }
        a0.intoArray(s, to);
        a1.intoArray(s, to + stride);
        a2.intoArray(s, to + 2 * stride);
        a3.intoArray(s, to + 3 * stride);
    }

    /** The same for four, and two vectors. */
    private static void keys4x2(MemorySegment k, long at, long step, int dim, float[] q, int r, float[] s, int to, int stride) {
        FloatVector a0 = FloatVector.zero(F), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
        for (int d = 0; d < dim; d++) {
            FloatVector key = FloatVector.fromMemorySegment(F, k, at + d * step, LITTLE_ENDIAN);
            FloatVector next = FloatVector.fromMemorySegment(F, k, at + d * step + 4L * L, LITTLE_ENDIAN);
            FloatVector x = FloatVector.broadcast(F, q[r + d]);
            a0 = key.fma(x, a0);
            b0 = next.fma(x, b0);
            x = FloatVector.broadcast(F, q[r + dim + d]);
            a1 = key.fma(x, a1);
            b1 = next.fma(x, b1);
            x = FloatVector.broadcast(F, q[r + 2 * dim + d]);
            a2 = key.fma(x, a2);
            b2 = next.fma(x, b2);
            x = FloatVector.broadcast(F, q[r + 3 * dim + d]);
            a3 = key.fma(x, a3);
            b3 = next.fma(x, b3);
        }
        a0.intoArray(s, to);
        b0.intoArray(s, to + L);
        a1.intoArray(s, to + stride);
        b1.intoArray(s, to + stride + L);
        a2.intoArray(s, to + 2 * stride);
        b2.intoArray(s, to + 2 * stride + L);
        a3.intoArray(s, to + 3 * stride);
        b3.intoArray(s, to + 3 * stride + L);
    }

    static void addValues(KvLayout layout, MemorySegment page, long values, int from, int n, float[] p, int at, int stride, int rows, float[] acc,
                          int accAt, int accStride, MemorySegment tile) {
        int dim = layout.dim();
        boolean inRegisters = rows == 4 && dim % (2 * L) == 0;
        switch (layout.type()) {
            case F32 -> addFloats(dim, page, values + 4L * dim * from, n, p, at, stride, rows, acc, accAt, accStride);
            case F16 -> {
                long first = values + 2L * dim * from;
                if (inRegisters) {
                    for (int i = 0; i < dim; i += 2 * L) {
                        VectorHalfKv.values4x2(page, first + 2L * i, 2L * dim, n, p, at, stride, acc, accAt + i, accStride);
                    }
                } else {
                    VectorHalfKv.decode(page, first, tile, n * dim);
                    addFloats(dim, tile, 0, n, p, at, stride, rows, acc, accAt, accStride);
                }
            }
            default -> {
                if (inRegisters) {
                    for (int i = 0; i < dim; i += 2 * L) {
                        VectorByteKv.values4x2(layout, page, values, from, i, n, p, at, stride, acc, accAt + i, accStride);
                    }
                } else {
                    VectorByteKv.decodeValues(layout, page, values, from, n, tile);
                    addFloats(dim, tile, 0, n, p, at, stride, rows, acc, accAt, accStride);
                }
            }
        }
    }

    private static void addFloats(int dim, MemorySegment v, long first, int n, float[] p, int at, int stride, int rows, float[] acc, int accAt,
                                  int accStride) {
        long step = 4L * dim;
        int i = 0;
        for (; i <= dim - 2 * L; i += 2 * L) {
            for (int r = 0; r < rows; r += 4) {
                values4x2(v, first + 4L * i, step, n, p, at + r * stride, stride, acc, accAt + r * accStride + i, accStride);
            }
        }
        for (; i <= dim - L; i += L) {
            for (int r = 0; r < rows; r++) {
                values1(v, first + 4L * i, step, n, p, at + r * stride, acc, accAt + r * accStride + i);
            }
        }
        for (; i < dim; i++) {
            for (int r = 0; r < rows; r++) {
                float a = acc[accAt + r * accStride + i];
                for (int j = 0; j < n; j++) {
                    a += p[at + r * stride + j] * v.get(Rows.FLOAT, first + 4L * i + j * step);
                }
                acc[accAt + r * accStride + i] = a;
            }
        }
    }

    /** Two vectors of dimensions, for four rows. */
    private static void values4x2(MemorySegment v, long at, long step, int n, float[] p, int r, int stride, float[] acc, int to, int accStride) {
        FloatVector a0 = FloatVector.fromArray(F, acc, to);
        FloatVector b0 = FloatVector.fromArray(F, acc, to + L);
        FloatVector a1 = FloatVector.fromArray(F, acc, to + accStride);
        FloatVector b1 = FloatVector.fromArray(F, acc, to + accStride + L);
        FloatVector a2 = FloatVector.fromArray(F, acc, to + 2 * accStride);
        FloatVector b2 = FloatVector.fromArray(F, acc, to + 2 * accStride + L);
        FloatVector a3 = FloatVector.fromArray(F, acc, to + 3 * accStride);
        FloatVector b3 = FloatVector.fromArray(F, acc, to + 3 * accStride + L);
        for (int j = 0; j < n; j++) {
            FloatVector u = FloatVector.fromMemorySegment(F, v, at + j * step, LITTLE_ENDIAN);
            FloatVector w = FloatVector.fromMemorySegment(F, v, at + j * step + 4L * L, LITTLE_ENDIAN);
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

    /** One, for one row. */
    private static void values1(MemorySegment v, long at, long step, int n, float[] p, int r, float[] acc, int to) {
        FloatVector a = FloatVector.fromArray(F, acc, to);
        for (int j = 0; j < n; j++) {
            a = FloatVector.fromMemorySegment(F, v, at + j * step, LITTLE_ENDIAN).fma(FloatVector.broadcast(F, p[r + j]), a);
        }
        a.intoArray(acc, to);
    }
}
