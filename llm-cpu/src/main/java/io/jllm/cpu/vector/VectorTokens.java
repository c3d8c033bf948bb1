package io.jllm.cpu.vector;

import static io.jllm.cpu.layout.Rows.FLOAT;
import static io.jllm.cpu.vector.VectorKernels.F;
import static io.jllm.cpu.vector.VectorKernels.L;
import static java.nio.ByteOrder.LITTLE_ENDIAN;

import io.jllm.cpu.layout.Layout;
import io.jllm.cpu.layout.TokenFormat;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * Floats to 8 bits, in blocks of 32 with a scale, as {@link io.jllm.cpu.layout.BlockModel} says: d = max |x| / 127, q = x * (127 / max |x|), rounded
 * to the nearest, ties to even. Where the largest magnitude is 0, infinite, none or so small that 127 divided by it is infinite, all q are 0.
 */
final class VectorTokens {
    private static final VectorSpecies<Integer> I = VectorSpecies.of(int.class, F.vectorShape());
    private static final int BLOCK = TokenFormat.BLOCK;
    private static final float LIMIT = 127;
    private static final int MAGNITUDE = Integer.MAX_VALUE;
    /** Added to a float of less than 2^22 and taken off again, it leaves the nearest integer. */
    private static final float ROUND = 0x1.8p23f;
    /** Bytes of a block of {@link TokenFormat#PAIRS}, but for its fields, which are behind all blocks. */
    static final int PAIRS = 64;
    private static final int SUM_FACTOR = 8;
    private static final int HALF_FACTOR = 16;
    private static final short BYTE_FACTOR = -128;
    private static final short MIDDLE = Short.MIN_VALUE;
    /** A half of a block of pairs, or of what of it a vector holds. */
    private static final VectorSpecies<Integer> W = VectorSpecies.of(int.class, VectorShape.forBitSize(Math.min(F.vectorBitSize(), 256)));
    private static final int WORDS = 8;
    private static final short NIBBLE = 16;
    private static final short BYTE = 256;
    private static final IntVector ODD = IntVector.fromArray(W, new int[] {0, -1, 0, -1, 0, -1, 0, -1}, 0);
    private static final IntVector EVEN = ODD.not();
    /** Numbers behind the last column. */
    static final int SLACK = L + 2;

    private VectorTokens() {
    }

    /** Writes {@link TokenFormat#PAIRS}; {@code scratch} has room for a block of floats at its start. */
    static void pairs(MemorySegment in, long at, int blocks, MemorySegment out, long to, MemorySegment scratch) {
        for (int b = 0; b < blocks; b++) {
            out.set(FLOAT, scales(to, blocks) + 4L * b, quantise(in, at + (long) b * BLOCK * Float.BYTES, scratch, 0));
            int sum = pairUp(scratch, out, to + (long) b * PAIRS, halves(to, blocks) + 8L * b);
            out.set(Layout.INT, sums(to, blocks) + 4L * b, -SUM_FACTOR * sum);
            out.set(FLOAT, sums(to, blocks) + 4L * (blocks + b), -sum);
        }
    }

    // Where the fields of pairs of so many blocks start, which themselves start at {@code token}; the scales come first.

    static long scales(long token, int blocks) {
        return token + (long) blocks * PAIRS;
    }

    static long sums(long token, int blocks) {
        return scales(token, blocks) + 4L * blocks;
    }

    static long halves(long token, int blocks) {
        return sums(token, blocks) + 8L * blocks;
    }

    /** Minus the sum of half of a block, of which there is a pair of shorts. */
    static float minusHalf(MemorySegment pairs, long at) {
        int pair = pairs.get(Layout.INT, at);
        return ((short) pair + (pair >> Short.SIZE)) / HALF_FACTOR;
    }

    /** Writes {@link TokenFormat#NUMBERS}. */
    static void numbers(MemorySegment in, long at, int blocks, MemorySegment out, long to) {
        for (int b = 0; b < blocks; b++) {
            long block = (long) b * BLOCK * Float.BYTES;
            out.set(FLOAT, to + (long) blocks * BLOCK * Float.BYTES + 4L * b, quantise(in, at + block, out, to + block));
        }
    }

    /** Writes 32 floats, which are integers, and returns their scale. */
    private static float quantise(MemorySegment in, long at, MemorySegment out, long to) {
        IntVector bits = IntVector.zero(I);
        for (int i = 0; i < BLOCK; i += L) {
            // As integers: the order is the same, and what is no number is above infinity.
            bits = bits.max(FloatVector.fromMemorySegment(F, in, at + 4L * i, LITTLE_ENDIAN).reinterpretAsInts().and(MAGNITUDE));
        }
        float largest = Float.intBitsToFloat(bits.reduceLanes(VectorOperators.MAX));
        float inverse = LIMIT / largest;
        if (!Float.isFinite(largest) || !Float.isFinite(inverse)) {
            out.asSlice(to, BLOCK * Float.BYTES).fill((byte) 0);
            return largest / LIMIT;
        }
        for (int i = 0; i < BLOCK; i += L) {
            FloatVector.fromMemorySegment(F, in, at + 4L * i, LITTLE_ENDIAN).mul(inverse).add(ROUND).sub(ROUND)
                    .intoMemorySegment(out, to + 4L * i, LITTLE_ENDIAN);
        }
        return largest / LIMIT;
    }

    /** Pairs up 32 floats and returns their sum. */
    private static int pairUp(MemorySegment numbers, MemorySegment out, long block, long halves) {
        int sum = 0;
        for (int half = 0; half < 2; half++) {
            int low = 0;
            int high = 0;
            for (int i = half * BLOCK / 2; i < (half + 1) * BLOCK / 2; i += 4) {
                int q0 = (int) numbers.get(FLOAT, 4L * i);
                int q1 = (int) numbers.get(FLOAT, 4L * i + 4);
                int q2 = (int) numbers.get(FLOAT, 4L * i + 8);
                int q3 = (int) numbers.get(FLOAT, 4L * i + 12);
                out.set(Layout.INT, block + 2L * i, pair(q0, q2));
                out.set(Layout.INT, block + 2L * i + 4, pair(q1, q3));
                low += q0 + q1;
                high += q2 + q3;
            }
            out.set(Layout.INT, halves + 4L * half, pair(-HALF_FACTOR * low, -HALF_FACTOR * high));
            sum += low + high;
        }
        return sum;
    }

    private static int pair(int low, int high) {
        return low & 0xffff | high << Short.SIZE;
    }

    /**
     * A token's {@link TokenFormat#PAIRS} for weights that hold eight nibbles in 32 bits and are shifted right by 0, 4, 8 and 12 bits, but of
     * which no bits are taken away: what {@code w >> 4} has more than its lowest nibble is 16 times {@code w >> 8}, and so on, so from what
     * a nibble is multiplied by, 16 times what the one below it is multiplied by is subtracted. As shifts are those of 32 bits, the
     * lowest nibble of the upper half has one below it too. The sum of both halves is right, in 16 bits; neither is by itself.
     *
     * @param to room for all pairs
     */
    static void nibbles(MemorySegment pairs, long at, int blocks, int[] to) {
        for (int b = 0; b < blocks; b++) {
            for (int i = 0; i < WORDS; i += W.length()) {
                long low = at + (long) b * PAIRS + 4L * i;
                long high = low + PAIRS / 2;
                int out = b * PAIRS / 4 + i;
                IntVector y = IntVector.fromMemorySegment(W, pairs, low, LITTLE_ENDIAN);
                IntVector.fromMemorySegment(W, pairs, high, LITTLE_ENDIAN).reinterpretAsShorts().sub(y.reinterpretAsShorts().mul(NIBBLE))
                        .reinterpretAsInts().intoArray(to, out + WORDS);
                // Nibbles lie in the order of pairs 0, 8, 1, 9; behind the last block there is the first scale.
                IntVector below = IntVector.fromMemorySegment(W, pairs, high - Integer.BYTES, LITTLE_ENDIAN);
                IntVector last = IntVector.fromMemorySegment(W, pairs, high + Integer.BYTES, LITTLE_ENDIAN).lanewise(VectorOperators.LSHL,
                        Short.SIZE);
                y.reinterpretAsShorts().sub(below.and(ODD).or(last.and(EVEN)).reinterpretAsShorts().mul(NIBBLE)).reinterpretAsInts().intoArray(to,
                        out);
            }
        }
    }

    /** The same for weights that hold two bytes in 16 bits, shifted right by 0 and 8 bits. */
    static void bytes(MemorySegment pairs, long at, int blocks, int[] to) {
        for (int i = 0; i < blocks * PAIRS / 4; i += W.length()) {
            IntVector y = IntVector.fromMemorySegment(W, pairs, at + 4L * i, LITTLE_ENDIAN);
            y.reinterpretAsShorts().sub(y.reinterpretAsLongs().lanewise(VectorOperators.LSHL, Integer.SIZE).reinterpretAsShorts().mul(BYTE))
                    .reinterpretAsInts().intoArray(to, i);
        }
    }

    /**
     * Of a token's {@link TokenFormat#NUMBERS}, for each four columns, at the first of them: a pair of shorts for columns 0 and 2, then one for 1
     * and 3; and 32768 - 128 times the sum of both.
     *
     * @param x room for all columns and {@link #SLACK} more
     * @param fours the same
     */
    static void fours(MemorySegment numbers, long at, int cols, int[] x, int[] fours) {
        for (int i = 0; i < cols; i += L) {
            ((IntVector) FloatVector.fromMemorySegment(F, numbers, at + 4L * i, LITTLE_ENDIAN).convert(VectorOperators.F2I, 0)).intoArray(x, i);
        }
        for (int i = 0; i < cols; i += L) {
            IntVector.fromArray(I, x, i).and(0xffff).or(IntVector.fromArray(I, x, i + 2).lanewise(VectorOperators.LSHL, Short.SIZE)).intoArray(x, i);
        }
        for (int i = 0; i < cols; i += L) {
            IntVector.fromArray(I, x, i).reinterpretAsShorts().add(IntVector.fromArray(I, x, i + 1).reinterpretAsShorts()).mul(BYTE_FACTOR)
                    .add(MIDDLE)
                    .reinterpretAsInts().intoArray(fours, i);
        }
    }
}
