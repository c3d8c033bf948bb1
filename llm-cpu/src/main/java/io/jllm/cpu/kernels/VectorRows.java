package io.jllm.cpu.kernels;

import static io.jllm.cpu.kernels.VectorDecode.B;
import static io.jllm.cpu.kernels.VectorDecode.BLOCK;
import static io.jllm.cpu.kernels.VectorDecode.I;
import static io.jllm.cpu.kernels.VectorDecode.SHORT;
import static io.jllm.cpu.kernels.VectorKernels.F;
import static io.jllm.cpu.kernels.VectorKernels.L;
import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorOperators.Conversion;

/**
 * Products of rows and a single token for the commonest formats, decoded in registers: with one token there is nobody to share
 * a decoded tile with. To the last bit what {@link VectorDecode} and {@link VectorDots} give, for a decoded weight (a small
 * integer times a 16-bit float) is exact, and lanes are summed in the same order.
 */
final class VectorRows {
    private static final Conversion<Byte, Integer> UNSIGNED = VectorOperators.ZERO_EXTEND_B2I;
    private static final Conversion<Byte, Float> SIGNED = VectorOperators.B2F;
    private static final Conversion<Integer, Float> TO_FLOAT = VectorOperators.I2F;

    private VectorRows() {
    }

    /** Whether there is such code for the format of a matrix. */
    static boolean supports(StoredMatrix w) {
        return B.length() == L && switch (w.type()) {
            case Q4_0, Q8_0 -> true;
            default -> false;
        };
    }

    /** sums[r] = row {@code from + r} of w times x. */
    static void products(StoredMatrix w, int from, int rows, MemorySegment x, long xAt, float[] sums, float[] lanes) {
        int blocks = w.cols() / BLOCK;
        for (int r = 0; r < rows; r += 2) {
            long at = (from + r) * w.rowBytes();
            long second = r + 1 < rows ? at + w.rowBytes() : at; // an odd last row is computed twice
            switch (w.type()) {
                case Q4_0 -> q4(w.data(), at, second, x, xAt, blocks, lanes);
                case Q8_0 -> q8(w.data(), at, second, x, xAt, blocks, lanes);
                default -> throw new IllegalArgumentException("no such code for " + w.type());
            }
            sums[r] = VectorDots.tree(lanes, 0);
            if (r + 1 < rows) {
                sums[r + 1] = VectorDots.tree(lanes, L);
            }
        }
    }

    private static void q4(MemorySegment w, long row0, long row1, MemorySegment x, long xAt, int blocks, float[] lanes) {
        FloatVector a0 = FloatVector.zero(F);
        FloatVector a1 = a0;
        for (int b = 0; b < blocks; b++) {
            long p = row0 + 18L * b;
            long q = row1 + 18L * b;
            float d0 = Float.float16ToFloat(w.get(SHORT, p));
            float d1 = Float.float16ToFloat(w.get(SHORT, q));
            for (int i = 0; i < 16; i += L) {
                FloatVector v = FloatVector.fromMemorySegment(F, x, xAt + 4L * (BLOCK * b + i), LITTLE_ENDIAN);
                var b0 = ByteVector.fromMemorySegment(B, w, p + 2 + i, LITTLE_ENDIAN);
                var q0 = (IntVector) b0.convertShape(UNSIGNED, I, 0);
                var b1 = ByteVector.fromMemorySegment(B, w, q + 2 + i, LITTLE_ENDIAN);
                var q1 = (IntVector) b1.convertShape(UNSIGNED, I, 0);
                a0 = ((FloatVector) q0.and(15).convert(TO_FLOAT, 0)).fma(d0, -8 * d0).fma(v, a0);
                a1 = ((FloatVector) q1.and(15).convert(TO_FLOAT, 0)).fma(d1, -8 * d1).fma(v, a1);
            }
            for (int i = 0; i < 16; i += L) {
                FloatVector v = FloatVector.fromMemorySegment(F, x, xAt + 4L * (BLOCK * b + 16 + i), LITTLE_ENDIAN);
                var b0 = ByteVector.fromMemorySegment(B, w, p + 2 + i, LITTLE_ENDIAN);
                var q0 = (IntVector) b0.convertShape(UNSIGNED, I, 0);
                var b1 = ByteVector.fromMemorySegment(B, w, q + 2 + i, LITTLE_ENDIAN);
                var q1 = (IntVector) b1.convertShape(UNSIGNED, I, 0);
                a0 = ((FloatVector) q0.lanewise(VectorOperators.LSHR, 4).convert(TO_FLOAT, 0)).fma(d0, -8 * d0).fma(v, a0);
                a1 = ((FloatVector) q1.lanewise(VectorOperators.LSHR, 4).convert(TO_FLOAT, 0)).fma(d1, -8 * d1).fma(v, a1);
            }
        }
        a0.intoArray(lanes, 0);
        a1.intoArray(lanes, L);
    }

    private static void q8(MemorySegment w, long row0, long row1, MemorySegment x, long xAt, int blocks, float[] lanes) {
        FloatVector a0 = FloatVector.zero(F);
        FloatVector a1 = a0;
        for (int b = 0; b < blocks; b++) {
            long p = row0 + 34L * b;
            long q = row1 + 34L * b;
            float d0 = Float.float16ToFloat(w.get(SHORT, p));
            float d1 = Float.float16ToFloat(w.get(SHORT, q));
            for (int i = 0; i < BLOCK; i += L) {
                FloatVector v = FloatVector.fromMemorySegment(F, x, xAt + 4L * (BLOCK * b + i), LITTLE_ENDIAN);
                var b0 = ByteVector.fromMemorySegment(B, w, p + 2 + i, LITTLE_ENDIAN);
                var f0 = (FloatVector) b0.convertShape(SIGNED, F, 0);
                var b1 = ByteVector.fromMemorySegment(B, w, q + 2 + i, LITTLE_ENDIAN);
                var f1 = (FloatVector) b1.convertShape(SIGNED, F, 0);
                a0 = f0.mul(d0).fma(v, a0);
                a1 = f1.mul(d1).fma(v, a1);
            }
        }
        a0.intoArray(lanes, 0);
        a1.intoArray(lanes, L);
    }
}
