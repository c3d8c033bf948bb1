package io.jllm.cpu.vector;

import static io.jllm.cpu.vector.VectorKernels.F;
import static io.jllm.cpu.vector.VectorUnpack.H;
import static io.jllm.cpu.vector.VectorUnpack.I;
import static io.jllm.cpu.vector.VectorUnpack.S;
import static io.jllm.cpu.vector.VectorUnpack.V;
import static java.nio.ByteOrder.LITTLE_ENDIAN;

import io.jllm.cpu.layout.WeightFormat;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Products of rearranged rows and a single token, straight from memory: with one token there is nobody to share integers with. To the
 * last bit what {@link VectorTiles} give.
 */
final class VectorRow {
    private static final long UNIT_OF_4 = WeightFormat.Q4_0.unitBytes(2);
    private static final long UNIT_OF_8 = WeightFormat.Q8_0.unitBytes(2);
    private static final long LINE = WeightFormat.VECTOR;
    private static final short BYTE = 0xff;
    /** What is too much in the sums of a block of bytes: half of the range of 16 bits in each of 8 pairs. */
    private static final int MIDDLES = 16 << 15;

    private VectorRow() {
    }

    /**
     * Adds blocks of a strip of Q4_0. Nibbles stay unsigned, and sums begin with what that is too much; they are taken out by shifts alone, see
     * {@link VectorTokens#nibbles}. One strip at a time, for memory is fastest read as one stream; the token as arrays, whose bounds are
     * checked at less cost. A loop over the four vectors of a block would not be unrolled, and cost more than they do.
     *
     * @param group where the group starts
     * @param part which strip of it
     * @param x pairs of the token for nibbles
     * @param sums -8 times the sum of each block
     * @param scales d of each block
     * @param from first block
     * @param to where there is a float for each row
     */
    static void q4(MemorySegment w, long group, int part, int[] x, int[] sums, float[] scales, int from, int blocks, MemorySegment to, long at) {
        FloatVector acc = FloatVector.fromMemorySegment(F, to, at, LITTLE_ENDIAN);
        long first = group + LINE + (long) part * V;
        long d = group + (long) part * V / 2;
        for (int b = from; b < from + blocks; b++) {
            long unit = (b >> 1) * UNIT_OF_4;
            long block = first + unit + (b & 1) * 4 * LINE;
            int i = 16 * b;
            ShortVector s = IntVector.broadcast(I, sums[b] & 0xffff).reinterpretAsShorts();
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
            IntVector h = (IntVector) ShortVector.fromMemorySegment(H, w, d + unit + (b & 1) * LINE / 2, LITTLE_ENDIAN)
                    .convertShape(VectorOperators.S2I, I, 0);
            IntVector n = h.and(0x7fff).lanewise(VectorOperators.LSHL, 13).add(VectorScales.REBIAS);
            FloatVector c = n.reinterpretAsFloats();
            c = n.min(c.add(c).sub(VectorScales.NORMAL).reinterpretAsInts()).or(h.and(Integer.MIN_VALUE)).reinterpretAsFloats()
                    .mul(VectorScales.UP).mul(VectorScales.DOWN);
            h = s.add(t).reinterpretAsInts();
            h = h.lanewise(VectorOperators.LSHL, Short.SIZE).add(h).lanewise(VectorOperators.ASHR, Short.SIZE);
            acc = ((FloatVector) h.convert(VectorOperators.I2F, 0)).mul(c).fma(FloatVector.broadcast(F, scales[b]), acc);
        }
        acc.intoMemorySegment(to, at, LITTLE_ENDIAN);
    }

    /**
     * A strip of Q8_0. Two products fit 16 bits, so sums of four columns, made larger by half of the range, are added up in 32: all of
     * a lane, and its upper half by itself; the one less the other is the lower half.
     *
     * @param x for each four columns, pairs at the first two
     * @param fours at the first, what their sums begin with
     */
    static void q8(MemorySegment w, long group, int part, int[] x, int[] fours, float[] scales, int blocks, MemorySegment to, long at) {
        FloatVector acc = FloatVector.zero(F);
        long first = group + LINE + (long) part * V;
        long d = group + (long) part * V / 2;
        for (int b = 0; b < blocks; b++) {
            long unit = (b >> 1) * UNIT_OF_8;
            long block = first + unit + (b & 1) * 8 * LINE;
            IntVector both = IntVector.broadcast(I, -MIDDLES);
            IntVector upper = IntVector.zero(I);
            for (int j = 0; j < 8; j++) {
                ShortVector v = ShortVector.fromMemorySegment(S, w, block + j * LINE, LITTLE_ENDIAN);
                int i = 32 * b + 4 * j;
                IntVector s = IntVector.broadcast(I, fours[i]).reinterpretAsShorts()
                        .add(v.and(BYTE).mul(IntVector.broadcast(I, x[i]).reinterpretAsShorts()))
                        .add(v.lanewise(VectorOperators.LSHR, 8).mul(IntVector.broadcast(I, x[i + 1]).reinterpretAsShorts()))
                        .reinterpretAsInts();
                both = both.add(s);
                upper = upper.add(s.lanewise(VectorOperators.LSHR, Short.SIZE));
            }
            IntVector h = (IntVector) ShortVector.fromMemorySegment(H, w, d + unit + (b & 1) * LINE / 2, LITTLE_ENDIAN)
                    .convertShape(VectorOperators.S2I, I, 0);
            IntVector n = h.and(0x7fff).lanewise(VectorOperators.LSHL, 13).add(VectorScales.REBIAS);
            FloatVector c = n.reinterpretAsFloats();
            c = n.min(c.add(c).sub(VectorScales.NORMAL).reinterpretAsInts()).or(h.and(Integer.MIN_VALUE)).reinterpretAsFloats()
                    .mul(VectorScales.UP).mul(VectorScales.DOWN);
            h = both.sub(upper.lanewise(VectorOperators.LSHL, Short.SIZE)).add(upper);
            acc = ((FloatVector) h.convert(VectorOperators.I2F, 0)).mul(c).fma(FloatVector.broadcast(F, scales[b]), acc);
        }
        acc.intoMemorySegment(to, at, LITTLE_ENDIAN);
    }
}
