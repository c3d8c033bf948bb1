package io.jllm.cpu.vector;

import static io.jllm.cpu.layout.Rows.FLOAT;
import static io.jllm.cpu.vector.VectorKernels.F;
import static io.jllm.cpu.vector.VectorUnpack.I;
import static io.jllm.cpu.vector.VectorUnpack.V;
import static java.nio.ByteOrder.LITTLE_ENDIAN;

import io.jllm.cpu.layout.TokenFormat;
import io.jllm.cpu.layout.WeightFormat;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Weights of {@link WeightFormat#F8_64}: their bits, shifted to a float's place, are theirs times 2^-120, for which the header's scale makes up. Only
 * the product with that is rounded, so sums are those of the same weights in F32. All offsets and strides are in bytes.
 */
final class VectorEights {
    private static final long LINE = WeightFormat.VECTOR;
    private static final int HEADER = WeightFormat.F8_64.headerBytes();
    private static final int BLOCKS = WeightFormat.F8_64.unitBlocks();
    private static final int UNIT = WeightFormat.F8_64.unitBytes(BLOCKS);
    /** Columns of a line. */
    private static final int FOUR = 4;
    private static final int LINES = TokenFormat.BLOCK / FOUR;
    /** Where the sign and the other bits are in a float, and how far below the top of it. */
    private static final int EIGHT_BITS = 0x87f00000;
    private static final int DOWN = 4;

    private VectorEights() {
    }

    /**
     * Adds rows to the sums of one token and two strips.
     *
     * @param w0 the first unit of the first strip's group
     * @param r0 where that strip is in a line
     * @param w1 the same of the second
     * @param x0 numbers of the token
     * @param xb from block to block
     * @param acc where the sums are
     */
    static void add1(MemorySegment w, long w0, long r0, long w1, long r1, MemorySegment x, long x0, long xb, int blocks, MemorySegment m, long acc) {
        FloatVector f = FloatVector.fromMemorySegment(F, m, acc, LITTLE_ENDIAN);
        FloatVector g = FloatVector.fromMemorySegment(F, m, acc + V, LITTLE_ENDIAN);
        for (int b = 0; b < blocks; b++) {
            long unit = (long) (b / BLOCKS) * UNIT;
            long at = unit + HEADER + b % BLOCKS * LINES * LINE;
            FloatVector d = FloatVector.fromMemorySegment(F, w, w0 + unit + r0, LITTLE_ENDIAN);
            FloatVector e = FloatVector.fromMemorySegment(F, w, w1 + unit + r1, LITTLE_ENDIAN);
            for (int i = 0; i < LINES; i++) {
                IntVector u = IntVector.fromMemorySegment(I, w, w0 + at + i * LINE + r0, LITTLE_ENDIAN);
                IntVector v = IntVector.fromMemorySegment(I, w, w1 + at + i * LINE + r1, LITTLE_ENDIAN);
                for (int c = 0, up = Integer.SIZE - Byte.SIZE; c < FOUR; c++, up -= Byte.SIZE) {
                    FloatVector y = FloatVector.broadcast(F, x.get(FLOAT, x0 + b * xb + 4L * (FOUR * i + c)));
                    f = u.lanewise(VectorOperators.LSHL, up).lanewise(VectorOperators.ASHR, DOWN).and(EIGHT_BITS).reinterpretAsFloats().mul(d)
                            .fma(y, f);
                    g = v.lanewise(VectorOperators.LSHL, up).lanewise(VectorOperators.ASHR, DOWN).and(EIGHT_BITS).reinterpretAsFloats().mul(e)
                            .fma(y, g);
                }
            }
        }
        f.intoMemorySegment(m, acc, LITTLE_ENDIAN);
        g.intoMemorySegment(m, acc + V, LITTLE_ENDIAN);
    }

    /** A unit of a group to a vector of floats for each column, as {@link WeightFormat#F32} has them. */
    static void unpack(MemorySegment w, long unit, MemorySegment to, long at) {
        for (long r = 0; r < LINE; r += V) {
            FloatVector d = FloatVector.fromMemorySegment(F, w, unit + r, LITTLE_ENDIAN);
            for (int i = 0; i < BLOCKS * LINES; i++) {
                IntVector u = IntVector.fromMemorySegment(I, w, unit + HEADER + i * LINE + r, LITTLE_ENDIAN);
                for (int c = 0, up = Integer.SIZE - Byte.SIZE; c < FOUR; c++, up -= Byte.SIZE) {
                    u.lanewise(VectorOperators.LSHL, up).lanewise(VectorOperators.ASHR, DOWN).and(EIGHT_BITS).reinterpretAsFloats().mul(d)
                            .intoMemorySegment(to, at + (FOUR * i + c) * LINE + r, LITTLE_ENDIAN);
                }
            }
        }
    }
}
