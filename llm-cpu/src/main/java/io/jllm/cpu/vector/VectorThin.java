package io.jllm.cpu.vector;

import static io.jllm.cpu.vector.VectorKernels.F;
import static io.jllm.cpu.vector.VectorKernels.L;
import static io.jllm.cpu.vector.VectorUnpack.I;
import static io.jllm.cpu.vector.VectorUnpack.V;
import static java.nio.ByteOrder.LITTLE_ENDIAN;

import io.jllm.cpu.kernels.ThinProducts;
import io.jllm.cpu.kernels.Workspace;
import io.jllm.cpu.layout.Numbers.Floats;
import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.layout.ThinColumns;
import io.jllm.cpu.layout.ThinRows;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Products by matrices of low rank. Halves become floats in registers, but where several tokens meet the same rows: then these do so once. Sums
 * of rows are those of {@link VectorDots}, whatever the way.
 */
final class VectorThin implements ThinProducts {
    static final VectorThin INSTANCE = new VectorThin();

    private static final int GROUP = ThinRows.GROUP;
    private static final int RUN = ThinRows.RUN;
    /** Ints of halves. */
    private static final int INTS = RUN / 2;
    private static final int LINE = INTS * Integer.BYTES;
    /** Strips of a group of outputs. */
    private static final int PARTS = ThinColumns.GROUP / Math.min(L, ThinColumns.GROUP);
    private static final int UPPER_HALF = 0xffff0000;
    /** Of a number in half precision, from its place in the upper half of an int to where a float has its exponent. */
    private static final int DOWN = 3;
    private static final int HALF_BITS = 0x8fffe000;

    private VectorThin() {
    }

    @Override
    public void down(ThinRows w, Rows x, int first, int tokens, float factor, Rows out, Workspace ws) {
        int n = w.cols() / RUN * RUN;
        boolean unpacked = tokens >= GROUP && w.numbers() != Floats.F32;
        long stride = unpacked ? Workspace.tileStride(w.cols()) : w.stride();
        MemorySegment data = unpacked ? ws.tile : w.data();
        for (int r = 0; r < w.rows(); r += GROUP) {
            for (int i = 0; unpacked && i < GROUP; i++) {
                unpack(w.numbers(), w.data(), (r + i) * w.stride(), n, ws.tile, i * stride);
            }
            long at = unpacked ? 0 : r * stride;
            for (int t = 0; t < tokens;) {
                int width = tokens - t >= GROUP ? GROUP : 1;
                long xt = x.row(first + t);
                if (width == GROUP) {
                    VectorDots.tile4x4(data, at, stride, x.data(), xt, (long) x.width() * Float.BYTES, n, ws.lanes);
                } else if (unpacked || w.numbers() == Floats.F32) {
                    VectorDots.tile4x1(data, at, stride, x.data(), xt, n, ws.lanes);
                } else if (w.numbers() == Floats.BF16) {
                    brains(data, at, stride, x.data(), xt, n, ws.lanes);
                } else {
                    halves(data, at, stride, x.data(), xt, n, ws.lanes);
                }
                for (int i = 0; i < width; i++) {
                    put(w, r, n, x, first + t + i, factor, out, ws.lanes, i * GROUP * L);
                }
                t += width;
            }
        }
    }

    /** The sums of a group of rows, with the columns that fill no run. */
    private static void put(ThinRows w, int row, int n, Rows x, int token, float factor, Rows out, float[] lanes, int at) {
        for (int r = row; r < row + GROUP; r++) {
            float sum = VectorDots.tree(lanes, at + (r - row) * L);
            for (int c = n; c < w.cols(); c++) {
                sum += w.get(r, c) * x.data().get(Rows.FLOAT, x.row(token) + (long) c * Float.BYTES);
            }
            out.data().set(Rows.FLOAT, out.row(token) + (long) r * Float.BYTES, factor * sum);
        }
    }

    private static void unpack(Floats numbers, MemorySegment w, long from, int n, MemorySegment to, long at) {
        for (int c = 0; c < n; c += RUN) {
            for (int i = 0; i < INTS; i += L) {
                IntVector u = IntVector.fromMemorySegment(I, w, from + 2L * c + 4L * i, LITTLE_ENDIAN);
                IntVector lower = u.lanewise(VectorOperators.LSHL, Short.SIZE);
                long lowerAt = at + 4L * (c + i);
                if (numbers == Floats.BF16) {
                    lower.reinterpretAsFloats().intoMemorySegment(to, lowerAt, LITTLE_ENDIAN);
                    u.and(UPPER_HALF).reinterpretAsFloats().intoMemorySegment(to, lowerAt + LINE, LITTLE_ENDIAN);
                } else {
                    lower.lanewise(VectorOperators.ASHR, DOWN).and(HALF_BITS).reinterpretAsFloats().mul(VectorScales.UP)
                            .intoMemorySegment(to, lowerAt, LITTLE_ENDIAN);
                    u.lanewise(VectorOperators.ASHR, DOWN).and(HALF_BITS).reinterpretAsFloats().mul(VectorScales.UP)
                            .intoMemorySegment(to, lowerAt + LINE, LITTLE_ENDIAN);
                }
            }
        }
    }

    /** {@link VectorDots#tile4x1} of pairs of BF16. */
    private static void brains(MemorySegment w, long w0, long ws, MemorySegment x, long x0, int n, float[] lanes) {
        FloatVector a0 = FloatVector.zero(F), a1 = a0, a2 = a0, a3 = a0;
        for (int c = 0; c < n; c += RUN) {
            long at = w0 + 2L * c;
            long xt = x0 + 4L * c;
            for (int i = 0; i < LINE; i += V) {
                FloatVector v = FloatVector.fromMemorySegment(F, x, xt + i, LITTLE_ENDIAN);
                a0 = IntVector.fromMemorySegment(I, w, at + i, LITTLE_ENDIAN).lanewise(VectorOperators.LSHL, Short.SIZE).reinterpretAsFloats()
                        .fma(v, a0);
                a1 = IntVector.fromMemorySegment(I, w, at + ws + i, LITTLE_ENDIAN).lanewise(VectorOperators.LSHL, Short.SIZE)
                        .reinterpretAsFloats().fma(v, a1);
                a2 = IntVector.fromMemorySegment(I, w, at + 2 * ws + i, LITTLE_ENDIAN).lanewise(VectorOperators.LSHL, Short.SIZE)
                        .reinterpretAsFloats().fma(v, a2);
                a3 = IntVector.fromMemorySegment(I, w, at + 3 * ws + i, LITTLE_ENDIAN).lanewise(VectorOperators.LSHL, Short.SIZE)
                        .reinterpretAsFloats().fma(v, a3);
            }
            for (int i = 0; i < LINE; i += V) {
                FloatVector v = FloatVector.fromMemorySegment(F, x, xt + LINE + i, LITTLE_ENDIAN);
                a0 = IntVector.fromMemorySegment(I, w, at + i, LITTLE_ENDIAN).and(UPPER_HALF).reinterpretAsFloats().fma(v, a0);
                a1 = IntVector.fromMemorySegment(I, w, at + ws + i, LITTLE_ENDIAN).and(UPPER_HALF).reinterpretAsFloats().fma(v, a1);
                a2 = IntVector.fromMemorySegment(I, w, at + 2 * ws + i, LITTLE_ENDIAN).and(UPPER_HALF).reinterpretAsFloats().fma(v, a2);
                a3 = IntVector.fromMemorySegment(I, w, at + 3 * ws + i, LITTLE_ENDIAN).and(UPPER_HALF).reinterpretAsFloats().fma(v, a3);
            }
        }
        a0.intoArray(lanes, 0);
        a1.intoArray(lanes, L);
        a2.intoArray(lanes, 2 * L);
        a3.intoArray(lanes, 3 * L);
    }

    /** The same of F16, by way of floats 2^-112 times as large: the products are the same to the last bit. */
    private static void halves(MemorySegment w, long w0, long ws, MemorySegment x, long x0, int n, float[] lanes) {
        FloatVector a0 = FloatVector.zero(F), a1 = a0, a2 = a0, a3 = a0;
        for (int c = 0; c < n; c += RUN) {
            for (int half = 0; half < 2; half++) {
                int left = Short.SIZE * (1 - half);
                for (int i = 0; i < LINE; i += V) {
                    long at = w0 + 2L * c + i;
                    FloatVector v = FloatVector.fromMemorySegment(F, x, x0 + 4L * c + half * LINE + i, LITTLE_ENDIAN);
                    a0 = IntVector.fromMemorySegment(I, w, at, LITTLE_ENDIAN).lanewise(VectorOperators.LSHL, left)
                            .lanewise(VectorOperators.ASHR, DOWN).and(HALF_BITS).reinterpretAsFloats().mul(VectorScales.UP).fma(v, a0);
                    a1 = IntVector.fromMemorySegment(I, w, at + ws, LITTLE_ENDIAN).lanewise(VectorOperators.LSHL, left)
                            .lanewise(VectorOperators.ASHR, DOWN).and(HALF_BITS).reinterpretAsFloats().mul(VectorScales.UP).fma(v, a1);
                    a2 = IntVector.fromMemorySegment(I, w, at + 2 * ws, LITTLE_ENDIAN).lanewise(VectorOperators.LSHL, left)
                            .lanewise(VectorOperators.ASHR, DOWN).and(HALF_BITS).reinterpretAsFloats().mul(VectorScales.UP).fma(v, a2);
                    a3 = IntVector.fromMemorySegment(I, w, at + 3 * ws, LITTLE_ENDIAN).lanewise(VectorOperators.LSHL, left)
                            .lanewise(VectorOperators.ASHR, DOWN).and(HALF_BITS).reinterpretAsFloats().mul(VectorScales.UP).fma(v, a3);
                }
            }
        }
        a0.intoArray(lanes, 0);
        a1.intoArray(lanes, L);
        a2.intoArray(lanes, 2 * L);
        a3.intoArray(lanes, 3 * L);
    }

    @Override
    public void up(ThinColumns w, int from, int to, Rows thin, int first, int tokens, Rows out, int outRow, int column) {
        int strips = (to - from) / ThinColumns.GROUP * PARTS;
        for (int s = 0; s < strips; s += GROUP) {
            // The last strip stands in for those behind it: it is computed several times, from what was there before.
            int last = strips - 1 - s;
            long w0 = strip(w, from, s);
            long w1 = strip(w, from, s + Math.min(1, last));
            long w2 = strip(w, from, s + Math.min(2, last));
            long w3 = strip(w, from, s + Math.min(3, last));
            for (int t = 0; t < tokens; t++) {
                long at = out.row(outRow + t) + (long) (column + from) * Float.BYTES + (long) s * V;
                long x = thin.row(first + t);
                switch (w.numbers()) {
                    case F32 -> floats(w.data(), w0, w1, w2, w3, w.lines(), thin.data(), x, out.data(), at, last);
                    case BF16 -> brains(w.data(), w0, w1, w2, w3, w.lines(), thin.data(), x, out.data(), at, last);
                    case F16 -> halves(w.data(), w0, w1, w2, w3, w.lines(), thin.data(), x, out.data(), at, last);
                }
            }
        }
        int rest = (to - from) % ThinColumns.GROUP;
        if (rest > 0) {
            PLAIN.up(w, to - rest, to, thin, first, tokens, out, outRow, column);
        }
    }

    private static long strip(ThinColumns w, int from, int strip) {
        return w.group(from / ThinColumns.GROUP + strip / PARTS) + (long) (strip % PARTS) * V;
    }

    /** Adds a token's products to four strips of outputs, of which the first {@code last + 1} are different ones. */
    private static void floats(MemorySegment w, long w0, long w1, long w2, long w3, int lines, MemorySegment x, long x0, MemorySegment out, long at,
            int last) {
        long at1 = at + Math.min(1, last) * V;
        long at2 = at + Math.min(2, last) * V;
        long at3 = at + Math.min(3, last) * V;
        FloatVector a0 = FloatVector.fromMemorySegment(F, out, at, LITTLE_ENDIAN);
        FloatVector a1 = FloatVector.fromMemorySegment(F, out, at1, LITTLE_ENDIAN);
        FloatVector a2 = FloatVector.fromMemorySegment(F, out, at2, LITTLE_ENDIAN);
        FloatVector a3 = FloatVector.fromMemorySegment(F, out, at3, LITTLE_ENDIAN);
        for (int i = 0; i < lines; i++) {
            long line = (long) i * LINE;
            FloatVector v = FloatVector.broadcast(F, x.get(Rows.FLOAT, x0 + 4L * i));
            a0 = FloatVector.fromMemorySegment(F, w, w0 + line, LITTLE_ENDIAN).fma(v, a0);
            a1 = FloatVector.fromMemorySegment(F, w, w1 + line, LITTLE_ENDIAN).fma(v, a1);
            a2 = FloatVector.fromMemorySegment(F, w, w2 + line, LITTLE_ENDIAN).fma(v, a2);
            a3 = FloatVector.fromMemorySegment(F, w, w3 + line, LITTLE_ENDIAN).fma(v, a3);
        }
        a0.intoMemorySegment(out, at, LITTLE_ENDIAN);
        a1.intoMemorySegment(out, at1, LITTLE_ENDIAN);
        a2.intoMemorySegment(out, at2, LITTLE_ENDIAN);
        a3.intoMemorySegment(out, at3, LITTLE_ENDIAN);
    }

    /** The same of pairs of BF16. */
    private static void brains(MemorySegment w, long w0, long w1, long w2, long w3, int lines, MemorySegment x, long x0, MemorySegment out, long at,
            int last) {
        long at1 = at + Math.min(1, last) * V;
        long at2 = at + Math.min(2, last) * V;
        long at3 = at + Math.min(3, last) * V;
        FloatVector a0 = FloatVector.fromMemorySegment(F, out, at, LITTLE_ENDIAN);
        FloatVector a1 = FloatVector.fromMemorySegment(F, out, at1, LITTLE_ENDIAN);
        FloatVector a2 = FloatVector.fromMemorySegment(F, out, at2, LITTLE_ENDIAN);
        FloatVector a3 = FloatVector.fromMemorySegment(F, out, at3, LITTLE_ENDIAN);
        for (int i = 0; i < lines; i++) {
            long line = (long) i * LINE;
            FloatVector v = FloatVector.broadcast(F, x.get(Rows.FLOAT, x0 + 8L * i));
            FloatVector y = FloatVector.broadcast(F, x.get(Rows.FLOAT, x0 + 8L * i + 4));
            IntVector u = IntVector.fromMemorySegment(I, w, w0 + line, LITTLE_ENDIAN);
            a0 = u.lanewise(VectorOperators.LSHL, Short.SIZE).reinterpretAsFloats().fma(v, a0);
            a0 = u.and(UPPER_HALF).reinterpretAsFloats().fma(y, a0);
            u = IntVector.fromMemorySegment(I, w, w1 + line, LITTLE_ENDIAN);
            a1 = u.lanewise(VectorOperators.LSHL, Short.SIZE).reinterpretAsFloats().fma(v, a1);
            a1 = u.and(UPPER_HALF).reinterpretAsFloats().fma(y, a1);
            u = IntVector.fromMemorySegment(I, w, w2 + line, LITTLE_ENDIAN);
            a2 = u.lanewise(VectorOperators.LSHL, Short.SIZE).reinterpretAsFloats().fma(v, a2);
            a2 = u.and(UPPER_HALF).reinterpretAsFloats().fma(y, a2);
            u = IntVector.fromMemorySegment(I, w, w3 + line, LITTLE_ENDIAN);
            a3 = u.lanewise(VectorOperators.LSHL, Short.SIZE).reinterpretAsFloats().fma(v, a3);
            a3 = u.and(UPPER_HALF).reinterpretAsFloats().fma(y, a3);
        }
        a0.intoMemorySegment(out, at, LITTLE_ENDIAN);
        a1.intoMemorySegment(out, at1, LITTLE_ENDIAN);
        a2.intoMemorySegment(out, at2, LITTLE_ENDIAN);
        a3.intoMemorySegment(out, at3, LITTLE_ENDIAN);
    }

    /** The same of pairs of F16. */
    private static void halves(MemorySegment w, long w0, long w1, long w2, long w3, int lines, MemorySegment x, long x0, MemorySegment out, long at,
            int last) {
        long at1 = at + Math.min(1, last) * V;
        long at2 = at + Math.min(2, last) * V;
        long at3 = at + Math.min(3, last) * V;
        FloatVector a0 = FloatVector.fromMemorySegment(F, out, at, LITTLE_ENDIAN);
        FloatVector a1 = FloatVector.fromMemorySegment(F, out, at1, LITTLE_ENDIAN);
        FloatVector a2 = FloatVector.fromMemorySegment(F, out, at2, LITTLE_ENDIAN);
        FloatVector a3 = FloatVector.fromMemorySegment(F, out, at3, LITTLE_ENDIAN);
        for (int i = 0; i < lines; i++) {
            long line = (long) i * LINE;
            FloatVector v = FloatVector.broadcast(F, x.get(Rows.FLOAT, x0 + 8L * i));
            FloatVector y = FloatVector.broadcast(F, x.get(Rows.FLOAT, x0 + 8L * i + 4));
            IntVector u = IntVector.fromMemorySegment(I, w, w0 + line, LITTLE_ENDIAN);
            a0 = u.lanewise(VectorOperators.LSHL, Short.SIZE).lanewise(VectorOperators.ASHR, DOWN).and(HALF_BITS).reinterpretAsFloats()
                    .mul(VectorScales.UP).fma(v, a0);
            a0 = u.lanewise(VectorOperators.ASHR, DOWN).and(HALF_BITS).reinterpretAsFloats().mul(VectorScales.UP).fma(y, a0);
            u = IntVector.fromMemorySegment(I, w, w1 + line, LITTLE_ENDIAN);
            a1 = u.lanewise(VectorOperators.LSHL, Short.SIZE).lanewise(VectorOperators.ASHR, DOWN).and(HALF_BITS).reinterpretAsFloats()
                    .mul(VectorScales.UP).fma(v, a1);
            a1 = u.lanewise(VectorOperators.ASHR, DOWN).and(HALF_BITS).reinterpretAsFloats().mul(VectorScales.UP).fma(y, a1);
            u = IntVector.fromMemorySegment(I, w, w2 + line, LITTLE_ENDIAN);
            a2 = u.lanewise(VectorOperators.LSHL, Short.SIZE).lanewise(VectorOperators.ASHR, DOWN).and(HALF_BITS).reinterpretAsFloats()
                    .mul(VectorScales.UP).fma(v, a2);
            a2 = u.lanewise(VectorOperators.ASHR, DOWN).and(HALF_BITS).reinterpretAsFloats().mul(VectorScales.UP).fma(y, a2);
            u = IntVector.fromMemorySegment(I, w, w3 + line, LITTLE_ENDIAN);
            a3 = u.lanewise(VectorOperators.LSHL, Short.SIZE).lanewise(VectorOperators.ASHR, DOWN).and(HALF_BITS).reinterpretAsFloats()
                    .mul(VectorScales.UP).fma(v, a3);
            a3 = u.lanewise(VectorOperators.ASHR, DOWN).and(HALF_BITS).reinterpretAsFloats().mul(VectorScales.UP).fma(y, a3);
        }
        a0.intoMemorySegment(out, at, LITTLE_ENDIAN);
        a1.intoMemorySegment(out, at1, LITTLE_ENDIAN);
        a2.intoMemorySegment(out, at2, LITTLE_ENDIAN);
        a3.intoMemorySegment(out, at3, LITTLE_ENDIAN);
    }
}
