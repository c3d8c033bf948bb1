package io.jllm.cpu.kernels;

import static io.jllm.cpu.kernels.VectorKernels.F;
import static io.jllm.cpu.kernels.VectorKernels.L;
import static java.nio.ByteOrder.LITTLE_ENDIAN;

import io.jllm.quant.DType;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/** Decodes keys and values that are not stored as floats. May read and write up to a vector too much at the end. */
final class VectorKv {
    private static final VectorSpecies<Short> S = VectorSpecies.of(short.class, VectorShape.forBitSize(16 * L));
    private static final VectorSpecies<Integer> I = VectorSpecies.of(int.class, F.vectorShape());
    /** At least 64 bits, the smallest vector: with 4 lanes, half of it is not used. */
    private static final VectorSpecies<Byte> B = VectorDecode.B;
    /** Of a half that was shifted to where a float has its sign, exponent and mantissa: these. */
    private static final int HALF_BITS = 0x8fff_e000;
    /** What the exponents of floats and halves differ by; numbers without a leading one (subnormals) come right too. */
    private static final float HALF_EXPONENT = 0x1p112f;

    private VectorKv() {
    }

    /** All keys of a page, dimension by dimension. */
    static void keys(KvLayout layout, MemorySegment page, long at, MemorySegment to) {
        int positions = layout.positions();
        if (layout.type() == DType.F16) {
            halves(page, at, to, 0, layout.dim() * positions);
            return;
        }
        for (int d = 0; d < layout.dim(); d++) {
            long first = (long) d * positions;
            long scales = at + layout.scalesAt() + 2L * (d / KvLayout.BLOCK * positions);
            scaledLanes(page, at + first, scales, to, 4L * first, positions);
        }
    }

    /** The values of some positions. */
    static void values(KvLayout layout, MemorySegment page, long at, int from, int n, MemorySegment to) {
        int dim = layout.dim();
        if (layout.type() == DType.F16) {
            halves(page, at + 2L * from * dim, to, 0, n * dim);
            return;
        }
        for (int j = 0; j < n; j++) {
            long first = (long) (from + j) * dim;
            long scales = at + layout.scalesAt() + 2L * (from + j) * layout.scales();
            for (int i = 0; i < dim; i += KvLayout.BLOCK) {
                float d = Float.float16ToFloat(page.get(KvLayout.HALF, scales + 2L * (i / KvLayout.BLOCK)));
                scaled(page, at + first + i, d, to, 4L * (j * dim + i), Math.min(KvLayout.BLOCK, dim - i));
            }
        }
    }

    /** Halves as floats. What is no number becomes a large one. */
    private static void halves(MemorySegment src, long at, MemorySegment dst, long to, int n) {
        for (int i = 0; i < n; i += L) {
            ShortVector h = ShortVector.fromMemorySegment(S, src, at + 2L * i, LITTLE_ENDIAN);
            IntVector bits = ((IntVector) h.convertShape(VectorOperators.S2I, I, 0)).lanewise(VectorOperators.LSHL, 13).and(HALF_BITS);
            bits.reinterpretAsFloats().mul(HALF_EXPONENT).intoMemorySegment(dst, to + 4L * i, LITTLE_ENDIAN);
        }
    }

    /** Bytes, each with a scale of its own. */
    private static void scaledLanes(MemorySegment src, long at, long scales, MemorySegment dst, long to, int n) {
        for (int i = 0; i < n; i += L) {
            ShortVector h = ShortVector.fromMemorySegment(S, src, scales + 2L * i, LITTLE_ENDIAN);
            IntVector bits = ((IntVector) h.convertShape(VectorOperators.S2I, I, 0)).lanewise(VectorOperators.LSHL, 13).and(HALF_BITS);
            FloatVector d = bits.reinterpretAsFloats().mul(HALF_EXPONENT);
            ByteVector q = ByteVector.fromMemorySegment(B, src, at + i, LITTLE_ENDIAN);
            ((FloatVector) q.convertShape(VectorOperators.B2F, F, 0)).mul(d).intoMemorySegment(dst, to + 4L * i, LITTLE_ENDIAN);
        }
    }

    /** Bytes that share a scale. */
    private static void scaled(MemorySegment src, long at, float d, MemorySegment dst, long to, int n) {
        for (int i = 0; i < n; i += L) {
            ByteVector q = ByteVector.fromMemorySegment(B, src, at + i, LITTLE_ENDIAN);
            ((FloatVector) q.convertShape(VectorOperators.B2F, F, 0)).mul(d).intoMemorySegment(dst, to + 4L * i, LITTLE_ENDIAN);
        }
    }
}
