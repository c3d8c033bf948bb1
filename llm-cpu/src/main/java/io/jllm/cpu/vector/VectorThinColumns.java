package io.jllm.cpu.vector;

import static io.jllm.cpu.vector.VectorKernels.F;
import static io.jllm.cpu.vector.VectorThin.HALF_BITS;
import static io.jllm.cpu.vector.VectorThin.UP;
import static io.jllm.cpu.vector.VectorThin.UPPER_HALF;
import static io.jllm.cpu.vector.VectorUnpack.H;
import static io.jllm.cpu.vector.VectorUnpack.I;
import static io.jllm.cpu.vector.VectorUnpack.V;
import static java.nio.ByteOrder.LITTLE_ENDIAN;

import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.layout.WeightFormat;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/** The loops of {@link VectorThin#up}. Offsets are in bytes. */
final class VectorThinColumns {
    private static final int LINE = WeightFormat.VECTOR;

    private VectorThinColumns() {
    }

    /** Adds a token's products to four strips of outputs, of which the first {@code last + 1} are different ones. */
    static void floats(MemorySegment w, long w0, long w1, long w2, long w3, int lines, MemorySegment x, long x0, MemorySegment out, long at,
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
    static void brains(MemorySegment w, long w0, long w1, long w2, long w3, int lines, MemorySegment x, long x0, MemorySegment out, long at,
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

    /** The same of F16, two columns a line. */
    static void halves(MemorySegment w, long w0, long w1, long w2, long w3, int lines, MemorySegment x, long x0, MemorySegment out, long at,
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
            a0 = ((IntVector) ShortVector.fromMemorySegment(H, w, w0 + line, LITTLE_ENDIAN).convertShape(VectorOperators.S2I, I, 0))
                    .lanewise(VectorOperators.LSHL, UP).and(HALF_BITS).reinterpretAsFloats().mul(VectorScales.UP).fma(v, a0);
            a0 = ((IntVector) ShortVector.fromMemorySegment(H, w, w0 + line + LINE / 2, LITTLE_ENDIAN).convertShape(VectorOperators.S2I, I, 0))
                    .lanewise(VectorOperators.LSHL, UP).and(HALF_BITS).reinterpretAsFloats().mul(VectorScales.UP).fma(y, a0);
            a1 = ((IntVector) ShortVector.fromMemorySegment(H, w, w1 + line, LITTLE_ENDIAN).convertShape(VectorOperators.S2I, I, 0))
                    .lanewise(VectorOperators.LSHL, UP).and(HALF_BITS).reinterpretAsFloats().mul(VectorScales.UP).fma(v, a1);
            a1 = ((IntVector) ShortVector.fromMemorySegment(H, w, w1 + line + LINE / 2, LITTLE_ENDIAN).convertShape(VectorOperators.S2I, I, 0))
                    .lanewise(VectorOperators.LSHL, UP).and(HALF_BITS).reinterpretAsFloats().mul(VectorScales.UP).fma(y, a1);
            a2 = ((IntVector) ShortVector.fromMemorySegment(H, w, w2 + line, LITTLE_ENDIAN).convertShape(VectorOperators.S2I, I, 0))
                    .lanewise(VectorOperators.LSHL, UP).and(HALF_BITS).reinterpretAsFloats().mul(VectorScales.UP).fma(v, a2);
            a2 = ((IntVector) ShortVector.fromMemorySegment(H, w, w2 + line + LINE / 2, LITTLE_ENDIAN).convertShape(VectorOperators.S2I, I, 0))
                    .lanewise(VectorOperators.LSHL, UP).and(HALF_BITS).reinterpretAsFloats().mul(VectorScales.UP).fma(y, a2);
            a3 = ((IntVector) ShortVector.fromMemorySegment(H, w, w3 + line, LITTLE_ENDIAN).convertShape(VectorOperators.S2I, I, 0))
                    .lanewise(VectorOperators.LSHL, UP).and(HALF_BITS).reinterpretAsFloats().mul(VectorScales.UP).fma(v, a3);
            a3 = ((IntVector) ShortVector.fromMemorySegment(H, w, w3 + line + LINE / 2, LITTLE_ENDIAN).convertShape(VectorOperators.S2I, I, 0))
                    .lanewise(VectorOperators.LSHL, UP).and(HALF_BITS).reinterpretAsFloats().mul(VectorScales.UP).fma(y, a3);
        }
        a0.intoMemorySegment(out, at, LITTLE_ENDIAN);
        a1.intoMemorySegment(out, at1, LITTLE_ENDIAN);
        a2.intoMemorySegment(out, at2, LITTLE_ENDIAN);
        a3.intoMemorySegment(out, at3, LITTLE_ENDIAN);
    }
}
