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
     * A strip of Q4_0. Nibbles stay unsigned; sums begin with what that is too much.
     *
     * @param group where the group starts
     * @param part which strip of it
     * @param x0 the token
     * @param to where a float for each row goes
     */
    static void q4(MemorySegment w, long group, int part, MemorySegment x, long x0, int blocks, MemorySegment to, long at) {
        FloatVector acc = FloatVector.zero(F);
        long first = group + LINE + (long) part * V;
        long scales = group + (long) part * V / 2;
        for (int b = 0; b < blocks; b++) {
            long unit = (b >> 1) * UNIT;
            long block = first + unit + (b & 1) * 4 * LINE;
            long xb = x0 + b * TOKEN_BLOCK;
            ShortVector s0 = IntVector.broadcast(I, x.get(Layout.INT, xb + VectorTokens.SUM) & 0xffff).reinterpretAsShorts();
            ShortVector s1 = ShortVector.zero(S);
            for (int j = 0; j < 4; j++) {
                ShortVector v = ShortVector.fromMemorySegment(S, w, block + j * LINE, LITTLE_ENDIAN);
                long xj = xb + 8L * j;
                s0 = s0.add(v.and(NIBBLE).mul(IntVector.broadcast(I, x.get(Layout.INT, xj)).reinterpretAsShorts()));
                s1 = s1.add(v.lanewise(VectorOperators.LSHR, 8).and(NIBBLE)
                        .mul(IntVector.broadcast(I, x.get(Layout.INT, xj + 4)).reinterpretAsShorts()));
                s0 = s0.add(v.lanewise(VectorOperators.LSHR, 4).and(NIBBLE)
                        .mul(IntVector.broadcast(I, x.get(Layout.INT, xj + 32)).reinterpretAsShorts()));
                s1 = s1.add(v.lanewise(VectorOperators.LSHR, 12).mul(IntVector.broadcast(I, x.get(Layout.INT, xj + 36)).reinterpretAsShorts()));
            }
            IntVector h = (IntVector) ShortVector.fromMemorySegment(H, w, scales + unit + (b & 1) * LINE / 2, LITTLE_ENDIAN)
                    .convertShape(VectorOperators.S2I, I, 0);
            FloatVector c = h.and(0x7fff).lanewise(VectorOperators.LSHL, 13).or(h.and(Integer.MIN_VALUE)).reinterpretAsFloats()
                    .mul(VectorUnpack.UP).mul(VectorUnpack.UP).mul(VectorUnpack.DOWN);
            IntVector s = s0.add(s1).reinterpretAsInts();
            s = s.lanewise(VectorOperators.LSHL, Short.SIZE).add(s).lanewise(VectorOperators.ASHR, Short.SIZE);
            acc = ((FloatVector) s.convert(VectorOperators.I2F, 0)).mul(c).fma(FloatVector.broadcast(F, x.get(FLOAT, xb + VectorTokens.SCALE)), acc);
        }
        acc.intoMemorySegment(to, at, LITTLE_ENDIAN);
    }
}
