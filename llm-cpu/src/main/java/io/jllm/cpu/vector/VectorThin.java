package io.jllm.cpu.vector;

import static io.jllm.cpu.vector.VectorKernels.F;
import static io.jllm.cpu.vector.VectorKernels.L;
import static io.jllm.cpu.vector.VectorUnpack.H;
import static io.jllm.cpu.vector.VectorUnpack.I;
import static io.jllm.cpu.vector.VectorUnpack.V;
import static java.nio.ByteOrder.LITTLE_ENDIAN;

import io.jllm.cpu.kernels.ThinProducts;
import io.jllm.cpu.kernels.Workspace;
import io.jllm.cpu.layout.Numbers.Floats;
import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.layout.ThinColumns;
import io.jllm.cpu.layout.ThinRows;
import io.jllm.cpu.layout.WeightFormat;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Products by matrices of low rank. Halves become floats in registers, but where several tokens meet the same rows: then these do so once. Sums
 * of rows are those of {@link VectorDots}, whatever the way.
 */
final class VectorThin implements ThinProducts {
    static final VectorThin INSTANCE = new VectorThin();

    private static final int GROUP = ThinRows.GROUP;
    private static final int RUN = ThinRows.RUN;
    private static final int LINE = WeightFormat.VECTOR;
    /** Strips of a group of outputs. */
    private static final int PARTS = ThinColumns.GROUP / Math.min(L, ThinColumns.GROUP);
    static final int UPPER_HALF = 0xffff0000;
    /** From where a number in half precision has its exponent to where a float has it. */
    static final int UP = 13;
    static final int HALF_BITS = 0x8fffe000;

    private VectorThin() {
    }

    @Override
    public void down(ThinRows w, Rows x, int first, int tokens, float factor, Rows out, Workspace ws) {
        int n = w.cols() / RUN * RUN;
        long stride = Workspace.tileStride(w.cols());
        for (int r = 0; r < w.rows(); r += GROUP) {
            for (int i = 0; tokens >= GROUP && i < GROUP; i++) {
                unpack(w, r + i, n, ws.tile, i * stride);
            }
            for (int t = 0; t < tokens;) {
                int width = tokens - t >= GROUP ? GROUP : 1;
                long xt = x.row(first + t);
                if (width == GROUP) {
                    VectorDots.tile4x4(ws.tile, 0, stride, x.data(), xt, (long) x.width() * Float.BYTES, n, ws.lanes);
                } else if (tokens >= GROUP) {
                    VectorDots.tile4x1(ws.tile, 0, stride, x.data(), xt, n, ws.lanes);
                } else {
                    switch (w.numbers()) {
                        case F32 -> floats(w.data(), w.at(r, 0), x.data(), xt, n, ws.lanes);
                        case BF16 -> brains(w.data(), w.at(r, 0), x.data(), xt, n, ws.lanes);
                        case F16 -> halves(w.data(), w.at(r, 0), x.data(), xt, n, ws.lanes);
                    }
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

    /** A row as floats, one behind the other. */
    private static void unpack(ThinRows w, int row, int n, MemorySegment to, long at) {
        for (int c = 0; c < n; c += RUN) {
            long from = w.at(row, c / RUN);
            long run = at + 4L * c;
            switch (w.numbers()) {
                case F32 -> MemorySegment.copy(w.data(), from, to, run, RUN * Float.BYTES);
                case BF16 -> {
                    for (int i = 0; i < LINE; i += V) {
                        IntVector u = IntVector.fromMemorySegment(I, w.data(), from + i, LITTLE_ENDIAN);
                        u.lanewise(VectorOperators.LSHL, Short.SIZE).intoMemorySegment(to, run + i, LITTLE_ENDIAN);
                        u.and(UPPER_HALF).intoMemorySegment(to, run + LINE + i, LITTLE_ENDIAN);
                    }
                }
                case F16 -> {
                    for (int i = 0; i < LINE; i += V / 2) {
                        ((IntVector) ShortVector.fromMemorySegment(H, w.data(), from + i, LITTLE_ENDIAN).convertShape(VectorOperators.S2I, I, 0))
                                .lanewise(VectorOperators.LSHL, UP).and(HALF_BITS).reinterpretAsFloats().mul(VectorScales.UP)
                                .intoMemorySegment(to, run + 2L * i, LITTLE_ENDIAN);
                    }
                }
            }
        }
    }

    /** {@link VectorDots#tile4x1} of four rows that lie together. */
    private static void floats(MemorySegment w, long w0, MemorySegment x, long x0, int n, float[] lanes) {
        FloatVector a0 = FloatVector.zero(F), a1 = a0, a2 = a0, a3 = a0;
        for (int c = 0; c < n; c += RUN) {
            long at = w0 + (long) c * GROUP * Float.BYTES;
            long xt = x0 + 4L * c;
            for (int i = 0; i < 2 * LINE; i += V) {
                FloatVector v = FloatVector.fromMemorySegment(F, x, xt + i, LITTLE_ENDIAN);
                a0 = FloatVector.fromMemorySegment(F, w, at + i, LITTLE_ENDIAN).fma(v, a0);
                a1 = FloatVector.fromMemorySegment(F, w, at + 2 * LINE + i, LITTLE_ENDIAN).fma(v, a1);
                a2 = FloatVector.fromMemorySegment(F, w, at + 4 * LINE + i, LITTLE_ENDIAN).fma(v, a2);
                a3 = FloatVector.fromMemorySegment(F, w, at + 6 * LINE + i, LITTLE_ENDIAN).fma(v, a3);
            }
        }
        a0.intoArray(lanes, 0);
        a1.intoArray(lanes, L);
        a2.intoArray(lanes, 2 * L);
        a3.intoArray(lanes, 3 * L);
    }

    /** The same of pairs of BF16. */
    private static void brains(MemorySegment w, long w0, MemorySegment x, long x0, int n, float[] lanes) {
        FloatVector a0 = FloatVector.zero(F), a1 = a0, a2 = a0, a3 = a0;
        for (int c = 0; c < n; c += RUN) {
            long at = w0 + (long) c * GROUP * Short.BYTES;
            long xt = x0 + 4L * c;
            for (int i = 0; i < LINE; i += V) {
                FloatVector v = FloatVector.fromMemorySegment(F, x, xt + i, LITTLE_ENDIAN);
                a0 = IntVector.fromMemorySegment(I, w, at + i, LITTLE_ENDIAN).lanewise(VectorOperators.LSHL, Short.SIZE)
                        .reinterpretAsFloats().fma(v, a0);
                a1 = IntVector.fromMemorySegment(I, w, at + LINE + i, LITTLE_ENDIAN).lanewise(VectorOperators.LSHL, Short.SIZE)
                        .reinterpretAsFloats().fma(v, a1);
                a2 = IntVector.fromMemorySegment(I, w, at + 2 * LINE + i, LITTLE_ENDIAN).lanewise(VectorOperators.LSHL, Short.SIZE)
                        .reinterpretAsFloats().fma(v, a2);
                a3 = IntVector.fromMemorySegment(I, w, at + 3 * LINE + i, LITTLE_ENDIAN).lanewise(VectorOperators.LSHL, Short.SIZE)
                        .reinterpretAsFloats().fma(v, a3);
            }
            for (int i = 0; i < LINE; i += V) {
                FloatVector v = FloatVector.fromMemorySegment(F, x, xt + LINE + i, LITTLE_ENDIAN);
                a0 = IntVector.fromMemorySegment(I, w, at + i, LITTLE_ENDIAN).and(UPPER_HALF).reinterpretAsFloats().fma(v, a0);
                a1 = IntVector.fromMemorySegment(I, w, at + LINE + i, LITTLE_ENDIAN).and(UPPER_HALF).reinterpretAsFloats().fma(v, a1);
                a2 = IntVector.fromMemorySegment(I, w, at + 2 * LINE + i, LITTLE_ENDIAN).and(UPPER_HALF).reinterpretAsFloats().fma(v, a2);
                a3 = IntVector.fromMemorySegment(I, w, at + 3 * LINE + i, LITTLE_ENDIAN).and(UPPER_HALF).reinterpretAsFloats().fma(v, a3);
            }
        }
        a0.intoArray(lanes, 0);
        a1.intoArray(lanes, L);
        a2.intoArray(lanes, 2 * L);
        a3.intoArray(lanes, 3 * L);
    }

    /** The same of F16, by way of floats 2^-112 times as large, which is exact. */
    private static void halves(MemorySegment w, long w0, MemorySegment x, long x0, int n, float[] lanes) {
        FloatVector a0 = FloatVector.zero(F), a1 = a0, a2 = a0, a3 = a0;
        for (int c = 0; c < n; c += RUN) {
            long at = w0 + (long) c * GROUP * Short.BYTES;
            long xt = x0 + 4L * c;
            for (int i = 0; i < LINE; i += V / 2) {
                FloatVector v = FloatVector.fromMemorySegment(F, x, xt + 2 * i, LITTLE_ENDIAN);
                a0 = ((IntVector) ShortVector.fromMemorySegment(H, w, at + i, LITTLE_ENDIAN).convertShape(VectorOperators.S2I, I, 0))
                        .lanewise(VectorOperators.LSHL, UP).and(HALF_BITS).reinterpretAsFloats().mul(VectorScales.UP).fma(v, a0);
                a1 = ((IntVector) ShortVector.fromMemorySegment(H, w, at + LINE + i, LITTLE_ENDIAN).convertShape(VectorOperators.S2I, I, 0))
                        .lanewise(VectorOperators.LSHL, UP).and(HALF_BITS).reinterpretAsFloats().mul(VectorScales.UP).fma(v, a1);
                a2 = ((IntVector) ShortVector.fromMemorySegment(H, w, at + 2 * LINE + i, LITTLE_ENDIAN).convertShape(VectorOperators.S2I, I, 0))
                        .lanewise(VectorOperators.LSHL, UP).and(HALF_BITS).reinterpretAsFloats().mul(VectorScales.UP).fma(v, a2);
                a3 = ((IntVector) ShortVector.fromMemorySegment(H, w, at + 3 * LINE + i, LITTLE_ENDIAN).convertShape(VectorOperators.S2I, I, 0))
                        .lanewise(VectorOperators.LSHL, UP).and(HALF_BITS).reinterpretAsFloats().mul(VectorScales.UP).fma(v, a3);
            }
        }
        a0.intoArray(lanes, 0);
        a1.intoArray(lanes, L);
        a2.intoArray(lanes, 2 * L);
        a3.intoArray(lanes, 3 * L);
    }

    @Override
    public void up(ThinColumns w, int from, int to, Rows thin, int first, int tokens, Rows out, int outRow, int column,
            ThinColumns soon) {
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
                    case F32 -> VectorThinColumns.floats(w.data(), w0, w1, w2, w3, w.lines(), thin.data(), x, out.data(), at, last);
                    case BF16 -> VectorThinColumns.brains(w.data(), w0, w1, w2, w3, w.lines(), thin.data(), x, out.data(), at, last);
                    case F16 -> VectorThinColumns.halves(w.data(), w0, w1, w2, w3, w.lines(), thin.data(), x, out.data(), at, last);
                }
            }
        }
        int rest = (to - from) % ThinColumns.GROUP;
        if (rest > 0) {
            PLAIN.up(w, to - rest, to, thin, first, tokens, out, outRow, column, soon);
        }
    }

    private static long strip(ThinColumns w, int from, int strip) {
        int bytes = w.numbers() == Floats.F16 ? V / 2 : V;
        return w.group(from / ThinColumns.GROUP + strip / PARTS) + (long) (strip % PARTS) * bytes;
    }
}
