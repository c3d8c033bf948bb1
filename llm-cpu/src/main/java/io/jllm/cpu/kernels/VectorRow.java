package io.jllm.cpu.kernels;

import static io.jllm.cpu.kernels.VectorKernels.F;
import static io.jllm.cpu.kernels.VectorUnpack.H;
import static io.jllm.cpu.kernels.VectorUnpack.I;
import static io.jllm.cpu.kernels.VectorUnpack.S;
import static io.jllm.cpu.kernels.VectorUnpack.V;
import static java.nio.ByteOrder.LITTLE_ENDIAN;

import io.jllm.cpu.machine.WeightFormat;
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
    private static final long UNIT = WeightFormat.Q4_0.unitBytes(2);
    private static final long LINE = WeightFormat.VECTOR;
    private static final short NIBBLE = 15;

    private VectorRow() {
    }

    /**
     * A strip of Q4_0. Nibbles stay unsigned; sums begin with what that is too much. One strip at a time, for memory is fastest read as
     * one stream; the token as arrays, whose bounds are checked at less cost.
     *
     * @param group where the group starts
     * @param part which strip of it
     * @param x pairs of the token
     * @param sums -8 times the sum of each block
     * @param scales d of each block
     * @param to where a float for each row goes
     */
    static void q4(MemorySegment w, long group, int part, int[] x, int[] sums, float[] scales, int blocks, MemorySegment to, long at) {
        FloatVector acc = FloatVector.zero(F);
        long first = group + LINE + (long) part * V;
        long d = group + (long) part * V / 2;
        for (int b = 0; b < blocks; b++) {
            long unit = (b >> 1) * UNIT;
            long block = first + unit + (b & 1) * 4 * LINE;
            ShortVector s = IntVector.broadcast(I, sums[b] & 0xffff).reinterpretAsShorts();
            ShortVector t = ShortVector.zero(S);
            for (int j = 0; j < 4; j += 2) {
                ShortVector v = ShortVector.fromMemorySegment(S, w, block + j * LINE, LITTLE_ENDIAN);
                int i = 16 * b + 2 * j;
                s = s.add(v.and(NIBBLE).mul(IntVector.broadcast(I, x[i]).reinterpretAsShorts()));
                t = t.add(v.lanewise(VectorOperators.LSHR, 8).and(NIBBLE).mul(IntVector.broadcast(I, x[i + 1]).reinterpretAsShorts()));
                s = s.add(v.lanewise(VectorOperators.LSHR, 4).and(NIBBLE).mul(IntVector.broadcast(I, x[i + 8]).reinterpretAsShorts()));
                t = t.add(v.lanewise(VectorOperators.LSHR, 12).mul(IntVector.broadcast(I, x[i + 9]).reinterpretAsShorts()));
                v = ShortVector.fromMemorySegment(S, w, block + (j + 1) * LINE, LITTLE_ENDIAN);
                s = s.add(v.and(NIBBLE).mul(IntVector.broadcast(I, x[i + 2]).reinterpretAsShorts()));
                t = t.add(v.lanewise(VectorOperators.LSHR, 8).and(NIBBLE).mul(IntVector.broadcast(I, x[i + 3]).reinterpretAsShorts()));
                s = s.add(v.lanewise(VectorOperators.LSHR, 4).and(NIBBLE).mul(IntVector.broadcast(I, x[i + 10]).reinterpretAsShorts()));
                t = t.add(v.lanewise(VectorOperators.LSHR, 12).mul(IntVector.broadcast(I, x[i + 11]).reinterpretAsShorts()));
            }
            IntVector h = (IntVector) ShortVector.fromMemorySegment(H, w, d + unit + (b & 1) * LINE / 2, LITTLE_ENDIAN)
                    .convertShape(VectorOperators.S2I, I, 0);
            FloatVector c = h.and(0x7fff).lanewise(VectorOperators.LSHL, 13).or(h.and(Integer.MIN_VALUE)).reinterpretAsFloats()
                    .mul(VectorUnpack.UP).mul(VectorUnpack.UP).mul(VectorUnpack.DOWN);
            h = s.add(t).reinterpretAsInts();
            h = h.lanewise(VectorOperators.LSHL, Short.SIZE).add(h).lanewise(VectorOperators.ASHR, Short.SIZE);
            acc = ((FloatVector) h.convert(VectorOperators.I2F, 0)).mul(c).fma(FloatVector.broadcast(F, scales[b]), acc);
        }
        acc.intoMemorySegment(to, at, LITTLE_ENDIAN);
    }
}
