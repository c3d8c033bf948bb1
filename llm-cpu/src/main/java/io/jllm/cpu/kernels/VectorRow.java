package io.jllm.cpu.kernels;

import static io.jllm.cpu.kernels.Rows.FLOAT;
import static io.jllm.cpu.kernels.VectorKernels.F;
import static io.jllm.cpu.kernels.VectorUnpack.H;
import static io.jllm.cpu.kernels.VectorUnpack.I;
import static io.jllm.cpu.kernels.VectorUnpack.S;
import static io.jllm.cpu.kernels.VectorUnpack.V;
import static java.nio.ByteOrder.LITTLE_ENDIAN;

import io.jllm.cpu.machine.TokenFormat;
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
    private static final long TOKEN_BLOCK = TokenFormat.PAIRS.blockBytes();
    private static final long UNIT = WeightFormat.Q4_0.unitBytes(2);
    private static final long LINE = WeightFormat.VECTOR;
    private static final short NIBBLE = 15;

    private VectorRow() {
    }

    /**
     * Two strips of Q4_0, which share what is read of the token. Nibbles stay unsigned; sums begin with what that is too much.
     *
     * @param group0 where the group of the first strip starts
     * @param part0 which strip of it
     * @param group1 the same of the second
     * @param x0 the token
     * @param to where a float for each row goes, of one strip behind the other
     */
    static void q4(MemorySegment w, long group0, int part0, long group1, int part1, MemorySegment x, long x0, int blocks, MemorySegment to,
                   long at) {
        FloatVector f = FloatVector.zero(F);
        FloatVector g = f;
        long w0 = group0 + LINE + (long) part0 * V;
        long w1 = group1 + LINE + (long) part1 * V;
        long d0 = group0 + (long) part0 * V / 2;
        long d1 = group1 + (long) part1 * V / 2;
        for (int b = 0; b < blocks; b++) {
            long unit = (b >> 1) * UNIT;
            long block = unit + (b & 1) * 4 * LINE;
            long scale = unit + (b & 1) * LINE / 2;
            long xb = x0 + b * TOKEN_BLOCK;
            ShortVector s = IntVector.broadcast(I, x.get(Layout.INT, xb + VectorTokens.SUM) & 0xffff).reinterpretAsShorts();
            ShortVector t = s;
            for (int j = 0; j < 4; j++) {
                ShortVector u = ShortVector.fromMemorySegment(S, w, w0 + block + j * LINE, LITTLE_ENDIAN);
                ShortVector v = ShortVector.fromMemorySegment(S, w, w1 + block + j * LINE, LITTLE_ENDIAN);
                ShortVector y = IntVector.broadcast(I, x.get(Layout.INT, xb + 8L * j)).reinterpretAsShorts();
                s = s.add(u.and(NIBBLE).mul(y));
                t = t.add(v.and(NIBBLE).mul(y));
                y = IntVector.broadcast(I, x.get(Layout.INT, xb + 8L * j + 4)).reinterpretAsShorts();
                s = s.add(u.lanewise(VectorOperators.LSHR, 8).and(NIBBLE).mul(y));
                t = t.add(v.lanewise(VectorOperators.LSHR, 8).and(NIBBLE).mul(y));
                y = IntVector.broadcast(I, x.get(Layout.INT, xb + 8L * j + 32)).reinterpretAsShorts();
                s = s.add(u.lanewise(VectorOperators.LSHR, 4).and(NIBBLE).mul(y));
                t = t.add(v.lanewise(VectorOperators.LSHR, 4).and(NIBBLE).mul(y));
                y = IntVector.broadcast(I, x.get(Layout.INT, xb + 8L * j + 36)).reinterpretAsShorts();
                s = s.add(u.lanewise(VectorOperators.LSHR, 12).mul(y));
                t = t.add(v.lanewise(VectorOperators.LSHR, 12).mul(y));
            }
            FloatVector d = FloatVector.broadcast(F, x.get(FLOAT, xb + VectorTokens.SCALE));
            IntVector h = (IntVector) ShortVector.fromMemorySegment(H, w, d0 + scale, LITTLE_ENDIAN).convertShape(VectorOperators.S2I, I, 0);
            FloatVector c = h.and(0x7fff).lanewise(VectorOperators.LSHL, 13).or(h.and(Integer.MIN_VALUE)).reinterpretAsFloats()
                    .mul(VectorUnpack.UP).mul(VectorUnpack.UP).mul(VectorUnpack.DOWN);
            h = s.reinterpretAsInts();
            h = h.lanewise(VectorOperators.LSHL, Short.SIZE).add(h).lanewise(VectorOperators.ASHR, Short.SIZE);
            f = ((FloatVector) h.convert(VectorOperators.I2F, 0)).mul(c).fma(d, f);
            h = (IntVector) ShortVector.fromMemorySegment(H, w, d1 + scale, LITTLE_ENDIAN).convertShape(VectorOperators.S2I, I, 0);
            c = h.and(0x7fff).lanewise(VectorOperators.LSHL, 13).or(h.and(Integer.MIN_VALUE)).reinterpretAsFloats()
                    .mul(VectorUnpack.UP).mul(VectorUnpack.UP).mul(VectorUnpack.DOWN);
            h = t.reinterpretAsInts();
            h = h.lanewise(VectorOperators.LSHL, Short.SIZE).add(h).lanewise(VectorOperators.ASHR, Short.SIZE);
            g = ((FloatVector) h.convert(VectorOperators.I2F, 0)).mul(c).fma(d, g);
        }
        f.intoMemorySegment(to, at, LITTLE_ENDIAN);
        g.intoMemorySegment(to, at + V, LITTLE_ENDIAN);
    }
}
