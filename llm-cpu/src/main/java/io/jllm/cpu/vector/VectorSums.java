package io.jllm.cpu.vector;

import static io.jllm.cpu.vector.VectorUnpack.I;
import static io.jllm.cpu.vector.VectorUnpack.S;
import static io.jllm.cpu.vector.VectorUnpack.V;
import static java.nio.ByteOrder.LITTLE_ENDIAN;

import io.jllm.cpu.layout.WeightFormat;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Sums of products of integers for a strip and a single token, straight from memory; {@link VectorTiles}
 * make floats of them. Two sums of 16 bits for a row, of its columns 0 and 1 and of its columns 2 and 3 of each four. Integers stay
 * unsigned, but sums begin with what that is too much, and wrap on the way.
 */
final class VectorSums {
    private static final long LINE = WeightFormat.VECTOR;
    private static final int NIBBLES = 0x0f0f0f0f;
    private static final int FIFTH = 0x10101010;
    private static final int UPPER = 0x30303030;
    private static final int PAIRS = 0x03030303;
    private static final int THIRDS = 0x04040404;

    private VectorSums() {
    }

    /**
     * Blocks of four bits with minima: a sum for each block, less 8 times the sum of the token's numbers, in the lower 16 bits; the upper ones are 0.
     *
     * @param at the strip's place in the first block, which is the first of a unit
     * @param shift of the number of a block, for that of its unit
     * @param header bytes between the blocks of a unit and those of the next
     * @param x pairs of the token for nibbles, see {@link VectorTokens#nibbles}
     * @param sums -8 times the sum of each block
     * @param first block
     * @param to where sums go, a vector for each block
     */
    static void q4(MemorySegment w, long at, int shift, int header, int[] x, int[] sums, int first, int blocks, MemorySegment m, long to) {
        for (int b = 0; b < blocks; b++) {
            long block = at + 4 * b * LINE + (long) (b >> shift) * header;
            int i = 16 * (first + b);
            ShortVector s = IntVector.broadcast(I, sums[first + b] & 0xffff).reinterpretAsShorts();
            ShortVector t = ShortVector.zero(S);
            IntVector v = IntVector.fromMemorySegment(I, w, block, LITTLE_ENDIAN);
            s = s.add(v.reinterpretAsShorts().mul(IntVector.broadcast(I, x[i]).reinterpretAsShorts()));
            t = t.add(v.lanewise(VectorOperators.LSHR, 4).reinterpretAsShorts().mul(IntVector.broadcast(I, x[i + 8]).reinterpretAsShorts()));
            s = s.add(v.lanewise(VectorOperators.LSHR, 8).reinterpretAsShorts().mul(IntVector.broadcast(I, x[i + 1]).reinterpretAsShorts()));
            t = t.add(v.lanewise(VectorOperators.LSHR, 12).reinterpretAsShorts().mul(IntVector.broadcast(I, x[i + 9]).reinterpretAsShorts()));
            v = IntVector.fromMemorySegment(I, w, block + LINE, LITTLE_ENDIAN);
            s = s.add(v.reinterpretAsShorts().mul(IntVector.broadcast(I, x[i + 2]).reinterpretAsShorts()));
            t = t.add(v.lanewise(VectorOperators.LSHR, 4).reinterpretAsShorts().mul(IntVector.broadcast(I, x[i + 10]).reinterpretAsShorts()));
            s = s.add(v.lanewise(VectorOperators.LSHR, 8).reinterpretAsShorts().mul(IntVector.broadcast(I, x[i + 3]).reinterpretAsShorts()));
            t = t.add(v.lanewise(VectorOperators.LSHR, 12).reinterpretAsShorts().mul(IntVector.broadcast(I, x[i + 11]).reinterpretAsShorts()));
            v = IntVector.fromMemorySegment(I, w, block + 2 * LINE, LITTLE_ENDIAN);
            s = s.add(v.reinterpretAsShorts().mul(IntVector.broadcast(I, x[i + 4]).reinterpretAsShorts()));
            t = t.add(v.lanewise(VectorOperators.LSHR, 4).reinterpretAsShorts().mul(IntVector.broadcast(I, x[i + 12]).reinterpretAsShorts()));
            s = s.add(v.lanewise(VectorOperators.LSHR, 8).reinterpretAsShorts().mul(IntVector.broadcast(I, x[i + 5]).reinterpretAsShorts()));
            t = t.add(v.lanewise(VectorOperators.LSHR, 12).reinterpretAsShorts().mul(IntVector.broadcast(I, x[i + 13]).reinterpretAsShorts()));
            v = IntVector.fromMemorySegment(I, w, block + 3 * LINE, LITTLE_ENDIAN);
            s = s.add(v.reinterpretAsShorts().mul(IntVector.broadcast(I, x[i + 6]).reinterpretAsShorts()));
            t = t.add(v.lanewise(VectorOperators.LSHR, 4).reinterpretAsShorts().mul(IntVector.broadcast(I, x[i + 14]).reinterpretAsShorts()));
            s = s.add(v.lanewise(VectorOperators.LSHR, 8).reinterpretAsShorts().mul(IntVector.broadcast(I, x[i + 7]).reinterpretAsShorts()));
            t = t.add(v.lanewise(VectorOperators.LSHR, 12).reinterpretAsShorts().mul(IntVector.broadcast(I, x[i + 15]).reinterpretAsShorts()));
            v = s.add(t).reinterpretAsInts();
            v.lanewise(VectorOperators.LSHL, Short.SIZE).add(v).lanewise(VectorOperators.LSHR, Short.SIZE)
                    .intoMemorySegment(m, to + (long) b * V, LITTLE_ENDIAN);
        }
    }

    /**
     * Blocks of five bits, less 16 times the sum of the token's numbers.
     *
     * @param x pairs of the token for bytes, see {@link VectorTokens#bytes}
     * @param starts pairs of -16 times the sums of the token's numbers, for each half of a block
     */
    static void q5(MemorySegment w, long at, int shift, int header, int[] x, int[] starts, int first, int blocks, MemorySegment m, long to) {
        for (int b = 0; b < blocks; b++) {
            long block = at + 5 * b * LINE + (long) (b >> shift) * header;
            IntVector u = IntVector.fromMemorySegment(I, w, block + 4 * LINE, LITTLE_ENDIAN);
            int i = 16 * (first + b);
            ShortVector s = IntVector.broadcast(I, starts[i / 8]).reinterpretAsShorts();
            ShortVector t = IntVector.broadcast(I, starts[i / 8 + 1]).reinterpretAsShorts();
            IntVector v = IntVector.fromMemorySegment(I, w, block, LITTLE_ENDIAN);
            ShortVector q = u.lanewise(VectorOperators.LSHL, 4).and(FIFTH).or(v.and(NIBBLES)).reinterpretAsShorts();
            s = s.add(q.mul(IntVector.broadcast(I, x[i]).reinterpretAsShorts()));
            t = t.add(q.lanewise(VectorOperators.LSHR, 8).mul(IntVector.broadcast(I, x[i + 1]).reinterpretAsShorts()));
            q = u.lanewise(VectorOperators.LSHL, 2).and(FIFTH).or(v.lanewise(VectorOperators.LSHR, 4).and(NIBBLES)).reinterpretAsShorts();
            s = s.add(q.mul(IntVector.broadcast(I, x[i + 8]).reinterpretAsShorts()));
            t = t.add(q.lanewise(VectorOperators.LSHR, 8).mul(IntVector.broadcast(I, x[i + 9]).reinterpretAsShorts()));
            v = IntVector.fromMemorySegment(I, w, block + LINE, LITTLE_ENDIAN);
            q = u.lanewise(VectorOperators.LSHL, 3).and(FIFTH).or(v.and(NIBBLES)).reinterpretAsShorts();
            s = s.add(q.mul(IntVector.broadcast(I, x[i + 2]).reinterpretAsShorts()));
            t = t.add(q.lanewise(VectorOperators.LSHR, 8).mul(IntVector.broadcast(I, x[i + 3]).reinterpretAsShorts()));
            q = u.lanewise(VectorOperators.LSHL, 1).and(FIFTH).or(v.lanewise(VectorOperators.LSHR, 4).and(NIBBLES)).reinterpretAsShorts();
            s = s.add(q.mul(IntVector.broadcast(I, x[i + 10]).reinterpretAsShorts()));
            t = t.add(q.lanewise(VectorOperators.LSHR, 8).mul(IntVector.broadcast(I, x[i + 11]).reinterpretAsShorts()));
            v = IntVector.fromMemorySegment(I, w, block + 2 * LINE, LITTLE_ENDIAN);
            q = u.and(FIFTH).or(v.and(NIBBLES)).reinterpretAsShorts();
            s = s.add(q.mul(IntVector.broadcast(I, x[i + 4]).reinterpretAsShorts()));
            t = t.add(q.lanewise(VectorOperators.LSHR, 8).mul(IntVector.broadcast(I, x[i + 5]).reinterpretAsShorts()));
            q = u.lanewise(VectorOperators.LSHR, 2).and(FIFTH).or(v.lanewise(VectorOperators.LSHR, 4).and(NIBBLES)).reinterpretAsShorts();
            s = s.add(q.mul(IntVector.broadcast(I, x[i + 12]).reinterpretAsShorts()));
            t = t.add(q.lanewise(VectorOperators.LSHR, 8).mul(IntVector.broadcast(I, x[i + 13]).reinterpretAsShorts()));
            v = IntVector.fromMemorySegment(I, w, block + 3 * LINE, LITTLE_ENDIAN);
            q = u.lanewise(VectorOperators.LSHR, 1).and(FIFTH).or(v.and(NIBBLES)).reinterpretAsShorts();
            s = s.add(q.mul(IntVector.broadcast(I, x[i + 6]).reinterpretAsShorts()));
            t = t.add(q.lanewise(VectorOperators.LSHR, 8).mul(IntVector.broadcast(I, x[i + 7]).reinterpretAsShorts()));
            q = u.lanewise(VectorOperators.LSHR, 3).and(FIFTH).or(v.lanewise(VectorOperators.LSHR, 4).and(NIBBLES)).reinterpretAsShorts();
            s = s.add(q.mul(IntVector.broadcast(I, x[i + 14]).reinterpretAsShorts()));
            t = t.add(q.lanewise(VectorOperators.LSHR, 8).mul(IntVector.broadcast(I, x[i + 15]).reinterpretAsShorts()));
            s.add(t).intoMemorySegment(m, to + (long) b * V, LITTLE_ENDIAN);
        }
    }

    /** A unit of six bits: a sum for each half of a block, less 32 times that of the token's numbers. */
    static void q6(MemorySegment w, long at, int[] x, int[] starts, int first, int blocks, MemorySegment m, long to) {
        for (int h = 0; h < 2 * blocks; h++) {
            long block = at + (h >> 1) * 6 * LINE;
            long half = block + (h & 1) * 2 * LINE;
            IntVector u = IntVector.fromMemorySegment(I, w, block + (4 + (h & 1)) * LINE, LITTLE_ENDIAN);
            int i = 16 * first + 8 * h;
            ShortVector s = IntVector.broadcast(I, starts[2 * first + h]).reinterpretAsShorts();
            ShortVector t = s;
            IntVector v = IntVector.fromMemorySegment(I, w, half, LITTLE_ENDIAN);
            ShortVector q = u.lanewise(VectorOperators.LSHL, 4).and(UPPER).or(v.and(NIBBLES)).reinterpretAsShorts();
            s = s.add(q.mul(IntVector.broadcast(I, x[i]).reinterpretAsShorts()));
            t = t.add(q.lanewise(VectorOperators.LSHR, 8).mul(IntVector.broadcast(I, x[i + 1]).reinterpretAsShorts()));
            q = u.and(UPPER).or(v.lanewise(VectorOperators.LSHR, 4).and(NIBBLES)).reinterpretAsShorts();
            s = s.add(q.mul(IntVector.broadcast(I, x[i + 4]).reinterpretAsShorts()));
            t = t.add(q.lanewise(VectorOperators.LSHR, 8).mul(IntVector.broadcast(I, x[i + 5]).reinterpretAsShorts()));
            v = IntVector.fromMemorySegment(I, w, half + LINE, LITTLE_ENDIAN);
            q = u.lanewise(VectorOperators.LSHL, 2).and(UPPER).or(v.and(NIBBLES)).reinterpretAsShorts();
            s = s.add(q.mul(IntVector.broadcast(I, x[i + 2]).reinterpretAsShorts()));
            t = t.add(q.lanewise(VectorOperators.LSHR, 8).mul(IntVector.broadcast(I, x[i + 3]).reinterpretAsShorts()));
            q = u.lanewise(VectorOperators.LSHR, 2).and(UPPER).or(v.lanewise(VectorOperators.LSHR, 4).and(NIBBLES)).reinterpretAsShorts();
            s = s.add(q.mul(IntVector.broadcast(I, x[i + 6]).reinterpretAsShorts()));
            t = t.add(q.lanewise(VectorOperators.LSHR, 8).mul(IntVector.broadcast(I, x[i + 7]).reinterpretAsShorts()));
            s.add(t).intoMemorySegment(m, to + (long) h * V, LITTLE_ENDIAN);
        }
    }

    /** A unit of two bits: a sum for each half of a block. */
    static void q2(MemorySegment w, long at, int[] x, int first, int blocks, MemorySegment m, long to) {
        for (int h = 0; h < 2 * blocks; h++) {
            int i = 16 * first + 8 * h;
            IntVector v = IntVector.fromMemorySegment(I, w, at + h * LINE, LITTLE_ENDIAN);
            ShortVector q = v.and(PAIRS).reinterpretAsShorts();
            ShortVector s = q.mul(IntVector.broadcast(I, x[i]).reinterpretAsShorts());
            ShortVector t = q.lanewise(VectorOperators.LSHR, 8).mul(IntVector.broadcast(I, x[i + 1]).reinterpretAsShorts());
            q = v.lanewise(VectorOperators.LSHR, 2).and(PAIRS).reinterpretAsShorts();
            s = s.add(q.mul(IntVector.broadcast(I, x[i + 2]).reinterpretAsShorts()));
            t = t.add(q.lanewise(VectorOperators.LSHR, 8).mul(IntVector.broadcast(I, x[i + 3]).reinterpretAsShorts()));
            q = v.lanewise(VectorOperators.LSHR, 4).and(PAIRS).reinterpretAsShorts();
            s = s.add(q.mul(IntVector.broadcast(I, x[i + 4]).reinterpretAsShorts()));
            t = t.add(q.lanewise(VectorOperators.LSHR, 8).mul(IntVector.broadcast(I, x[i + 5]).reinterpretAsShorts()));
            q = v.lanewise(VectorOperators.LSHR, 6).and(PAIRS).reinterpretAsShorts();
            s = s.add(q.mul(IntVector.broadcast(I, x[i + 6]).reinterpretAsShorts()));
            t = t.add(q.lanewise(VectorOperators.LSHR, 8).mul(IntVector.broadcast(I, x[i + 7]).reinterpretAsShorts()));
            s.add(t).intoMemorySegment(m, to + (long) h * V, LITTLE_ENDIAN);
        }
    }

    /** A unit of three bits: a sum for each half of a block, less 4 times that of the token's numbers. */
    static void q3(MemorySegment w, long at, int[] x, int[] starts, int first, int blocks, MemorySegment m, long to) {
        for (int h = 0; h < 2 * blocks; h++) {
            long block = at + (h >> 1) * 3 * LINE;
            int i = 16 * first + 8 * h;
            IntVector u = IntVector.fromMemorySegment(I, w, block + 2 * LINE, LITTLE_ENDIAN).lanewise(VectorOperators.LSHR, 4 * (h & 1));
            IntVector v = IntVector.fromMemorySegment(I, w, block + (h & 1) * LINE, LITTLE_ENDIAN);
            ShortVector s = IntVector.broadcast(I, starts[2 * first + h]).reinterpretAsShorts().lanewise(VectorOperators.ASHR, 2);
            ShortVector q = u.lanewise(VectorOperators.LSHL, 2).and(THIRDS).or(v.and(PAIRS)).reinterpretAsShorts();
            s = s.add(q.mul(IntVector.broadcast(I, x[i]).reinterpretAsShorts()));
            ShortVector t = q.lanewise(VectorOperators.LSHR, 8).mul(IntVector.broadcast(I, x[i + 1]).reinterpretAsShorts());
            q = u.lanewise(VectorOperators.LSHL, 1).and(THIRDS).or(v.lanewise(VectorOperators.LSHR, 2).and(PAIRS)).reinterpretAsShorts();
            s = s.add(q.mul(IntVector.broadcast(I, x[i + 2]).reinterpretAsShorts()));
            t = t.add(q.lanewise(VectorOperators.LSHR, 8).mul(IntVector.broadcast(I, x[i + 3]).reinterpretAsShorts()));
            q = u.and(THIRDS).or(v.lanewise(VectorOperators.LSHR, 4).and(PAIRS)).reinterpretAsShorts();
            s = s.add(q.mul(IntVector.broadcast(I, x[i + 4]).reinterpretAsShorts()));
            t = t.add(q.lanewise(VectorOperators.LSHR, 8).mul(IntVector.broadcast(I, x[i + 5]).reinterpretAsShorts()));
            q = u.lanewise(VectorOperators.LSHR, 1).and(THIRDS).or(v.lanewise(VectorOperators.LSHR, 6).and(PAIRS)).reinterpretAsShorts();
            s = s.add(q.mul(IntVector.broadcast(I, x[i + 6]).reinterpretAsShorts()));
            t = t.add(q.lanewise(VectorOperators.LSHR, 8).mul(IntVector.broadcast(I, x[i + 7]).reinterpretAsShorts()));
            s.add(t).intoMemorySegment(m, to + (long) h * V, LITTLE_ENDIAN);
        }
    }
}
