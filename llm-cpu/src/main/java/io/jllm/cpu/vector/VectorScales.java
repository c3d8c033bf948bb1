package io.jllm.cpu.vector;

import static io.jllm.cpu.vector.VectorKernels.F;
import static io.jllm.cpu.vector.VectorKernels.L;
import static io.jllm.cpu.vector.VectorUnpack.B;
import static io.jllm.cpu.vector.VectorUnpack.I;
import static io.jllm.cpu.vector.VectorUnpack.V;
import static java.nio.ByteOrder.LITTLE_ENDIAN;

import io.jllm.cpu.layout.Layout;
import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.layout.Scales;
import io.jllm.cpu.layout.WeightFormat;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/** Scales and minima of a strip of rearranged weights as vectors of floats, as {@link Scales} says that they lie. */
final class VectorScales {
    private static final long LINE = WeightFormat.VECTOR;
    private static final int ROWS = WeightFormat.ROWS;
    private static final int EXPONENT_AT = 23;
    /** The bits of the least float that has all of its bits, and of half of it. */
    private static final int LEAST_NORMAL = 1 << EXPONENT_AT;
    private static final int HALF_OF_IT = LEAST_NORMAL >> 1;

    private VectorScales() {
    }

    /**
     * Those of some blocks.
     *
     * @param unit where the unit of the first block starts
     * @param from which block of that unit is the first; 0 where units are 256 columns
     * @param part which strip of the group
     * @param blocks how many; where units are 256 columns, all of them are written
     * @param scales receives a vector for each scale
     * @param minima receives a vector for each block's minimum, where there are any
     */
    static void unpack(WeightFormat format, Scales kind, MemorySegment w, long unit, int from, int part, int blocks, MemorySegment to, long scales,
                       long minima) {
        switch (kind) {
            case SIX_BITS -> VectorUnpack.sixBits(w, unit, part, to, scales, minima);
            case BYTES -> VectorUnpack.bytes(w, unit, part, to, scales);
            case HALVES, HALVES_AND_MINIMA, BLOCK_BYTES, POWERS -> {
                int unitBlocks = format.unitBlocks();
                for (int b = 0; b < blocks; b++) {
                    int k = (from + b) % unitBlocks;
                    long header = unit + (long) ((from + b) / unitBlocks) * format.unitBytes(unitBlocks);
                    block(kind, w, header, k, part, to, scales + (long) b * V, minima + (long) b * V);
                }
            }
        }
    }

    /** The scale of block {@code k} of a unit, and its minimum. */
    private static void block(Scales kind, MemorySegment w, long header, int k, int part, MemorySegment to, long scale, long minimum) {
        long half = header + k * (LINE / 2) + (long) part * V / 2;
        long octet = header + (long) k * ROWS + (long) part * L;
        switch (kind) {
            case HALVES -> VectorUnpack.half(w, half, to, scale);
            case HALVES_AND_MINIMA -> {
                VectorUnpack.half(w, half, to, scale);
                VectorUnpack.half(w, half + LINE / 2, to, minimum);
            }
            case BLOCK_BYTES -> bytes(w, octet + LINE, header + (long) part * V, to, scale);
            case POWERS -> powers(w, octet, to, scale);
            case SIX_BITS, BYTES -> throw new IllegalArgumentException("a whole unit has " + kind);
        }
    }

    /** Signed bytes times floats. */
    private static void bytes(MemorySegment w, long bytes, long floats, MemorySegment to, long out) {
        if (B.length() > L) {
            for (int r = 0; r < L; r++) {
                to.set(Rows.FLOAT, out + 4L * r, w.get(Rows.FLOAT, floats + 4L * r) * w.get(Layout.BYTE, bytes + r));
            }
            return;
        }
        ((FloatVector) ByteVector.fromMemorySegment(B, w, bytes, LITTLE_ENDIAN).convertShape(VectorOperators.B2F, F, 0))
                .mul(FloatVector.fromMemorySegment(F, w, floats, LITTLE_ENDIAN)).intoMemorySegment(to, out, LITTLE_ENDIAN);
    }

    /**
     * 2^(b - 128) of bytes b. As exponents of floats they give twice as much; half of it is one less in the exponent, but for the smallest, whose
     * bits are shifted right.
     */
    private static void powers(MemorySegment w, long bytes, MemorySegment to, long out) {
        if (B.length() > L) {
            for (int r = 0; r < L; r++) {
                int twice = Math.max((w.get(Layout.BYTE, bytes + r) & 0xff) << EXPONENT_AT, HALF_OF_IT);
                to.set(Layout.INT, out + 4L * r, twice - Math.min(twice >> 1, LEAST_NORMAL));
            }
            return;
        }
        IntVector twice = ((IntVector) ByteVector.fromMemorySegment(B, w, bytes, LITTLE_ENDIAN).convertShape(VectorOperators.ZERO_EXTEND_B2I, I, 0))
                .lanewise(VectorOperators.LSHL, EXPONENT_AT).max(HALF_OF_IT);
        twice.sub(twice.lanewise(VectorOperators.LSHR, 1).min(LEAST_NORMAL)).intoMemorySegment(to, out, LITTLE_ENDIAN);
    }
}
