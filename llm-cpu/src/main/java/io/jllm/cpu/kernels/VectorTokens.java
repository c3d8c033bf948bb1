package io.jllm.cpu.kernels;

import static io.jllm.cpu.kernels.Rows.FLOAT;
import static io.jllm.cpu.kernels.VectorKernels.F;
import static io.jllm.cpu.kernels.VectorKernels.L;
import static java.nio.ByteOrder.LITTLE_ENDIAN;

import io.jllm.cpu.machine.TokenFormat;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Floats to 8 bits, in blocks of 32 with a scale, as {@link BlockModel} says: d = max |x| / 127, q = x * (127 / max |x|), rounded to the
 * nearest, ties to even. Where the largest magnitude is 0, infinite, none or so small that 127 divided by it is infinite, all q are 0.
 */
final class VectorTokens {
    private static final VectorSpecies<Integer> I = VectorSpecies.of(int.class, F.vectorShape());
    private static final int BLOCK = TokenFormat.BLOCK;
    private static final float LIMIT = 127;
    private static final int MAGNITUDE = Integer.MAX_VALUE;
    /** Added to a float of less than 2^22, it leaves the nearest integer in the lowest bits. */
    private static final float ROUND = 0x1.8p23f;
    private static final int ROUND_BITS = Float.floatToRawIntBits(ROUND);
    /** Bytes of a block of {@link TokenFormat#PAIRS}, but for its fields, which are behind all blocks. */
    static final int PAIRS = 64;
    private static final int SUM_FACTOR = 8;

    private VectorTokens() {
    }

    /** Writes {@link TokenFormat#PAIRS}; {@code scratch} has room for a block of ints at its start. */
    static void pairs(MemorySegment in, long at, int blocks, MemorySegment out, long to, MemorySegment scratch) {
        long field = (long) blocks * Integer.BYTES;
        for (int b = 0; b < blocks; b++) {
            long fields = to + (long) blocks * PAIRS + (long) b * Integer.BYTES;
            out.set(FLOAT, fields, quantise(in, at + (long) b * BLOCK * Float.BYTES, scratch));
            int sum = pairUp(scratch, out, to + (long) b * PAIRS);
            out.set(Layout.INT, fields + field, -SUM_FACTOR * sum);
            out.set(FLOAT, fields + 2 * field, -sum);
        }
    }

    /** Writes 32 ints to the start of {@code to} and returns their scale. */
    private static float quantise(MemorySegment in, long at, MemorySegment to) {
        IntVector bits = IntVector.zero(I);
        for (int i = 0; i < BLOCK; i += L) {
            // As integers: the order is the same, and what is no number is above infinity.
            bits = bits.max(FloatVector.fromMemorySegment(F, in, at + 4L * i, LITTLE_ENDIAN).reinterpretAsInts().and(MAGNITUDE));
        }
        float largest = Float.intBitsToFloat(bits.reduceLanes(VectorOperators.MAX));
        float inverse = LIMIT / largest;
        if (!Float.isFinite(largest) || !Float.isFinite(inverse)) {
            to.asSlice(0, BLOCK * Integer.BYTES).fill((byte) 0);
            return largest / LIMIT;
        }
        for (int i = 0; i < BLOCK; i += L) {
            FloatVector.fromMemorySegment(F, in, at + 4L * i, LITTLE_ENDIAN).mul(inverse).add(ROUND).reinterpretAsInts().sub(ROUND_BITS)
                    .intoMemorySegment(to, 4L * i, LITTLE_ENDIAN);
        }
        return largest / LIMIT;
    }

    /** Pairs up 32 ints and returns their sum. */
    private static int pairUp(MemorySegment ints, MemorySegment out, long block) {
        int sum = 0;
        for (int i = 0; i < BLOCK; i += 4) {
            int q0 = ints.get(Layout.INT, 4L * i);
            int q1 = ints.get(Layout.INT, 4L * i + 4);
            int q2 = ints.get(Layout.INT, 4L * i + 8);
            int q3 = ints.get(Layout.INT, 4L * i + 12);
            out.set(Layout.INT, block + 2L * i, q0 & 0xffff | q2 << Short.SIZE);
            out.set(Layout.INT, block + 2L * i + 4, q1 & 0xffff | q3 << Short.SIZE);
            sum += q0 + q1 + q2 + q3;
        }
        return sum;
    }
}
