package io.jllm.cpu.kernels;

import static io.jllm.cpu.kernels.VectorKernels.F;
import static io.jllm.cpu.kernels.VectorKernels.L;
import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * Decodes rows of weights to floats outside the heap, to the same bits as the codec of the format. Formats without vector code
 * go through that codec.
 */
final class VectorDecode {
    static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(LITTLE_ENDIAN);
    /** As many bytes as there are float lanes; at least 64 bits, the smallest vector. */
    static final VectorSpecies<Byte> B = VectorSpecies.of(byte.class, VectorShape.forBitSize(Math.max(64, 8 * L)));
    private static final VectorSpecies<Short> S = VectorSpecies.of(short.class, VectorShape.forBitSize(16 * L));
    static final VectorSpecies<Integer> I = VectorSpecies.of(int.class, F.vectorShape());
    /** Whether a vector of bytes fills two of floats. */
    private static final boolean TWICE = B.length() == 2 * L;
    static final int BLOCK = 32;

    private VectorDecode() {
    }

    /** Decodes {@code rows} rows from row {@code from} on to {@code ws.tile}, one after the other. */
    static void rows(StoredMatrix w, int from, int rows, Workspace ws) {
        for (int r = 0; r < rows; r++) {
            long src = (from + r) * w.rowBytes();
            long dst = r * Workspace.tileStride(w.cols());
            switch (w.type()) {
                case Q4_0 -> q4(w.data(), src, ws.tile, dst, w.cols() / BLOCK);
                case Q8_0 -> q8(w.data(), src, ws.tile, dst, w.cols() / BLOCK);
                case F16 -> f16(w.data(), src, ws.tile, dst, w.cols(), ws);
                case BF16 -> bf16(w.data(), src, ws.tile, dst, w.cols());
                default -> {
                    w.codec().decode(w.data(), src, ws.row, 0, w.cols());
                    MemorySegment.copy(ws.row, 0, ws.tile, Rows.FLOAT, dst, w.cols());
                }
            }
        }
    }

    /**
     * Blocks of a 16-bit float scale d and 32 nibbles q, first those of the low halves: (q - 8) d, which a float holds exactly.
     * Written out, here and below, because a helper that takes a vector may get it boxed.
     */
    private static void q4(MemorySegment src, long at, MemorySegment dst, long to, int blocks) {
        for (int b = 0; b < blocks; b++) {
            long block = at + 18L * b;
            float d = Float.float16ToFloat(src.get(SHORT, block));
            for (int i = 0; i < 16; i += B.length()) {
                long out = to + 4L * (BLOCK * b + i);
                ByteVector bytes = ByteVector.fromMemorySegment(B, src, block + 2 + i, LITTLE_ENDIAN);
                IntVector q = (IntVector) bytes.convertShape(VectorOperators.ZERO_EXTEND_B2I, I, 0);
                FloatVector low = (FloatVector) q.and(15).convert(VectorOperators.I2F, 0);
                FloatVector high = (FloatVector) q.lanewise(VectorOperators.LSHR, 4).convert(VectorOperators.I2F, 0);
                low.fma(d, -8 * d).intoMemorySegment(dst, out, LITTLE_ENDIAN);
                high.fma(d, -8 * d).intoMemorySegment(dst, out + 64, LITTLE_ENDIAN);
                if (TWICE) {
                    q = (IntVector) bytes.convertShape(VectorOperators.ZERO_EXTEND_B2I, I, 1);
                    low = (FloatVector) q.and(15).convert(VectorOperators.I2F, 0);
                    high = (FloatVector) q.lanewise(VectorOperators.LSHR, 4).convert(VectorOperators.I2F, 0);
                    low.fma(d, -8 * d).intoMemorySegment(dst, out + 4L * L, LITTLE_ENDIAN);
                    high.fma(d, -8 * d).intoMemorySegment(dst, out + 4L * L + 64, LITTLE_ENDIAN);
                }
            }
        }
    }

    /** Blocks of a 16-bit float scale d and 32 signed bytes q: q d. */
    private static void q8(MemorySegment src, long at, MemorySegment dst, long to, int blocks) {
        for (int b = 0; b < blocks; b++) {
            long block = at + 34L * b;
            float d = Float.float16ToFloat(src.get(SHORT, block));
            for (int i = 0; i < BLOCK; i += B.length()) {
                long out = to + 4L * (BLOCK * b + i);
                ByteVector q = ByteVector.fromMemorySegment(B, src, block + 2 + i, LITTLE_ENDIAN);
                ((FloatVector) q.convertShape(VectorOperators.B2F, F, 0)).mul(d).intoMemorySegment(dst, out, LITTLE_ENDIAN);
                if (TWICE) {
                    ((FloatVector) q.convertShape(VectorOperators.B2F, F, 1)).mul(d).intoMemorySegment(dst, out + 4L * L, LITTLE_ENDIAN);
                }
            }
        }
    }

    /** The compiler turns this plain loop over arrays into the processor's conversion instruction. */
    private static void f16(MemorySegment src, long at, MemorySegment dst, long to, int n, Workspace ws) {
        MemorySegment.copy(src, SHORT, at, ws.shorts, 0, n);
        convert(ws.shorts, ws.row, n);
        MemorySegment.copy(ws.row, 0, dst, Rows.FLOAT, to, n);
    }

    private static void convert(short[] src, float[] dst, int n) {
        for (int i = 0; i < n; i++) {
            dst[i] = Float.float16ToFloat(src[i]);
        }
    }

    private static void bf16(MemorySegment src, long at, MemorySegment dst, long to, int n) {
        int whole = n - n % L;
        for (int i = 0; i < whole; i += L) {
            ShortVector s = ShortVector.fromMemorySegment(S, src, at + 2L * i, LITTLE_ENDIAN);
            IntVector bits = (IntVector) s.convertShape(VectorOperators.ZERO_EXTEND_S2I, I, 0);
            bits.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().intoMemorySegment(dst, to + 4L * i, LITTLE_ENDIAN);
        }
        for (int i = whole; i < n; i++) {
            dst.set(Rows.FLOAT, to + 4L * i, Float.intBitsToFloat(src.get(SHORT, at + 2L * i) << 16));
        }
    }
}
