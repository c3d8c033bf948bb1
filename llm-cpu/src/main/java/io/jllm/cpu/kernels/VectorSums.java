package io.jllm.cpu.kernels;

import static io.jllm.cpu.kernels.VectorUnpack.I;
import static io.jllm.cpu.kernels.VectorUnpack.S;
import static io.jllm.cpu.kernels.VectorUnpack.V;
import static java.nio.ByteOrder.LITTLE_ENDIAN;

import io.jllm.cpu.machine.WeightFormat;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Sums of products of integers of formats with blocks of 256, for a strip and a single token, straight from memory; {@link VectorTiles}
 * make floats of them. Two sums of 16 bits for a row, of its columns 0 and 1 and of its columns 2 and 3 of each four. Integers stay
 * unsigned; where they have more than four bits, sums begin with what that is too much, and wrap on the way.
 */
final class VectorSums {
    private static final long LINE = WeightFormat.VECTOR;
    private static final short NIBBLES = 0x0f0f;
    private static final short FIFTH = 0x1010;
    private static final short UPPER = 0x3030;
    private static final short BYTE = 0xff;

    private VectorSums() {
    }

    /**
     * A unit of Q4_K: a sum for each block, of 16 columns at most 16 * 15 * 127.
     *
     * @param at the strip's place in the first block
     * @param x pairs of the token
     * @param first those of the first block
     * @param to where sums go, a vector for each block
     */
    static void q4(MemorySegment w, long at, int[] x, int first, int blocks, MemorySegment m, long to) {
        for (int b = 0; b < blocks; b++) {
            long block = at + 4 * b * LINE;
            ShortVector s = ShortVector.zero(S);
            ShortVector t = s;
            for (int j = 0; j < 4; j++) {
                ShortVector v = ShortVector.fromMemorySegment(S, w, block + j * LINE, LITTLE_ENDIAN);
                int i = first + 16 * b + 2 * j;
                s = s.add(v.and((short) 15).mul(IntVector.broadcast(I, x[i]).reinterpretAsShorts()));
                t = t.add(v.lanewise(VectorOperators.LSHR, 8).and((short) 15).mul(IntVector.broadcast(I, x[i + 1]).reinterpretAsShorts()));
                s = s.add(v.lanewise(VectorOperators.LSHR, 4).and((short) 15).mul(IntVector.broadcast(I, x[i + 8]).reinterpretAsShorts()));
                t = t.add(v.lanewise(VectorOperators.LSHR, 12).mul(IntVector.broadcast(I, x[i + 9]).reinterpretAsShorts()));
            }
            s.add(t).intoMemorySegment(m, to + (long) b * V, LITTLE_ENDIAN);
        }
    }

    /**
     * A unit of Q5_K, less 16 times the sum of the token's numbers.
     *
     * @param starts pairs of -16 times the sums of the token's numbers, for each half of a block
     */
    static void q5(MemorySegment w, long at, int[] x, int[] starts, int first, int blocks, MemorySegment m, long to) {
        for (int b = 0; b < blocks; b++) {
            long block = at + 5 * b * LINE;
            ShortVector u = ShortVector.fromMemorySegment(S, w, block + 4 * LINE, LITTLE_ENDIAN);
            int start = first / 8 + 2 * b;
            ShortVector s = IntVector.broadcast(I, starts[start]).reinterpretAsShorts();
            ShortVector t = IntVector.broadcast(I, starts[start + 1]).reinterpretAsShorts();
            for (int j = 0; j < 4; j += 2) {
                ShortVector v = ShortVector.fromMemorySegment(S, w, block + j * LINE, LITTLE_ENDIAN);
                int i = first + 16 * b + 2 * j;
                ShortVector q = u.lanewise(VectorOperators.LSHL, 4).and(FIFTH).or(v.and(NIBBLES));
                s = s.add(q.and(BYTE).mul(IntVector.broadcast(I, x[i]).reinterpretAsShorts()));
                t = t.add(q.lanewise(VectorOperators.LSHR, 8).mul(IntVector.broadcast(I, x[i + 1]).reinterpretAsShorts()));
                q = u.lanewise(VectorOperators.LSHL, 2).and(FIFTH).or(v.lanewise(VectorOperators.LSHR, 4).and(NIBBLES));
                s = s.add(q.and(BYTE).mul(IntVector.broadcast(I, x[i + 8]).reinterpretAsShorts()));
                t = t.add(q.lanewise(VectorOperators.LSHR, 8).mul(IntVector.broadcast(I, x[i + 9]).reinterpretAsShorts()));
                v = ShortVector.fromMemorySegment(S, w, block + (j + 1) * LINE, LITTLE_ENDIAN);
                q = u.lanewise(VectorOperators.LSHL, 3).and(FIFTH).or(v.and(NIBBLES));
                s = s.add(q.and(BYTE).mul(IntVector.broadcast(I, x[i + 2]).reinterpretAsShorts()));
                t = t.add(q.lanewise(VectorOperators.LSHR, 8).mul(IntVector.broadcast(I, x[i + 3]).reinterpretAsShorts()));
                q = u.lanewise(VectorOperators.LSHL, 1).and(FIFTH).or(v.lanewise(VectorOperators.LSHR, 4).and(NIBBLES));
                s = s.add(q.and(BYTE).mul(IntVector.broadcast(I, x[i + 10]).reinterpretAsShorts()));
                t = t.add(q.lanewise(VectorOperators.LSHR, 8).mul(IntVector.broadcast(I, x[i + 11]).reinterpretAsShorts()));
                u = u.lanewise(VectorOperators.LSHR, 4);
            }
            s.add(t).intoMemorySegment(m, to + (long) b * V, LITTLE_ENDIAN);
        }
    }

    /** A unit of Q6_K: a sum for each half of a block, less 32 times that of the token's numbers. */
    static void q6(MemorySegment w, long at, int[] x, int[] starts, int first, int blocks, MemorySegment m, long to) {
        for (int h = 0; h < 2 * blocks; h++) {
            long half = at + (h >> 1) * 6 * LINE;
            ShortVector u = ShortVector.fromMemorySegment(S, w, half + (4 + (h & 1)) * LINE, LITTLE_ENDIAN);
            half += (h & 1) * 2 * LINE;
            ShortVector v = ShortVector.fromMemorySegment(S, w, half, LITTLE_ENDIAN);
            int i = first + 8 * h;
            ShortVector s = IntVector.broadcast(I, starts[first / 8 + h]).reinterpretAsShorts();
            ShortVector t = s;
            ShortVector q = u.lanewise(VectorOperators.LSHL, 4).and(UPPER).or(v.and(NIBBLES));
            s = s.add(q.and(BYTE).mul(IntVector.broadcast(I, x[i]).reinterpretAsShorts()));
            t = t.add(q.lanewise(VectorOperators.LSHR, 8).mul(IntVector.broadcast(I, x[i + 1]).reinterpretAsShorts()));
            q = u.and(UPPER).or(v.lanewise(VectorOperators.LSHR, 4).and(NIBBLES));
            s = s.add(q.and(BYTE).mul(IntVector.broadcast(I, x[i + 4]).reinterpretAsShorts()));
            t = t.add(q.lanewise(VectorOperators.LSHR, 8).mul(IntVector.broadcast(I, x[i + 5]).reinterpretAsShorts()));
            v = ShortVector.fromMemorySegment(S, w, half + LINE, LITTLE_ENDIAN);
            q = u.lanewise(VectorOperators.LSHL, 2).and(UPPER).or(v.and(NIBBLES));
            s = s.add(q.and(BYTE).mul(IntVector.broadcast(I, x[i + 2]).reinterpretAsShorts()));
            t = t.add(q.lanewise(VectorOperators.LSHR, 8).mul(IntVector.broadcast(I, x[i + 3]).reinterpretAsShorts()));
            q = u.lanewise(VectorOperators.LSHR, 2).and(UPPER).or(v.lanewise(VectorOperators.LSHR, 4).and(NIBBLES));
            s = s.add(q.and(BYTE).mul(IntVector.broadcast(I, x[i + 6]).reinterpretAsShorts()));
            t = t.add(q.lanewise(VectorOperators.LSHR, 8).mul(IntVector.broadcast(I, x[i + 7]).reinterpretAsShorts()));
            s.add(t).intoMemorySegment(m, to + (long) h * V, LITTLE_ENDIAN);
        }
    }
}
