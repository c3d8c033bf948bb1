package io.jllm.cpu.vector;

import static io.jllm.cpu.layout.Rows.FLOAT;
import static io.jllm.cpu.vector.VectorKernels.F;
import static io.jllm.cpu.vector.VectorUnpack.I;
import static io.jllm.cpu.vector.VectorUnpack.PAIRS;
import static io.jllm.cpu.vector.VectorUnpack.S;
import static io.jllm.cpu.vector.VectorUnpack.V;
import static java.nio.ByteOrder.LITTLE_ENDIAN;

import io.jllm.cpu.layout.Layout;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * What {@link VectorTiles#sums4} and {@link VectorTiles#scaled} do for four tokens, in one body without a way through memory: a fifth
 * faster, and as long as a body may be.
 */
final class VectorTile {
    private static final int HALF = Short.SIZE;

    private VectorTile() {
    }

    /**
     * Adds the blocks of a chunk, whose weights have a scale each, to the sums of four tokens and two strips.
     *
     * @param w0 vectors of the first strip
     * @param w1 the same of the second
     * @param d0 scales of the first strip, a vector for each block
     * @param d1 the same of the second
     * @param x0 pairs of the first token
     * @param e0 the first token's scales
     * @param xs from token to token
     * @param acc where the first token's sums are, of the two strips
     * @param as from token to token
     */
    static void scaled4(MemorySegment m, long w0, long w1, long d0, long d1, MemorySegment x, long x0, long e0, long xs, int blocks, long acc,
                        long as) {
        FloatVector f00 = FloatVector.fromMemorySegment(F, m, acc, LITTLE_ENDIAN);
        FloatVector f01 = FloatVector.fromMemorySegment(F, m, acc + V, LITTLE_ENDIAN);
        FloatVector f10 = FloatVector.fromMemorySegment(F, m, acc + as, LITTLE_ENDIAN);
        FloatVector f11 = FloatVector.fromMemorySegment(F, m, acc + as + V, LITTLE_ENDIAN);
        FloatVector f20 = FloatVector.fromMemorySegment(F, m, acc + 2 * as, LITTLE_ENDIAN);
        FloatVector f21 = FloatVector.fromMemorySegment(F, m, acc + 2 * as + V, LITTLE_ENDIAN);
        FloatVector f30 = FloatVector.fromMemorySegment(F, m, acc + 3 * as, LITTLE_ENDIAN);
        FloatVector f31 = FloatVector.fromMemorySegment(F, m, acc + 3 * as + V, LITTLE_ENDIAN);
        for (int b = 0; b < blocks; b++) {
            ShortVector s00 = ShortVector.zero(S), s01 = s00, s10 = s00, s11 = s00;
            ShortVector s20 = s00, s21 = s00, s30 = s00, s31 = s00;
            long xb = x0 + (long) b * VectorTokens.PAIRS;
            long wb = (long) b * PAIRS * V;
            for (int k = 0; k < PAIRS; k++) {
                ShortVector u = ShortVector.fromMemorySegment(S, m, w0 + wb + (long) k * V, LITTLE_ENDIAN);
                ShortVector v = ShortVector.fromMemorySegment(S, m, w1 + wb + (long) k * V, LITTLE_ENDIAN);
                ShortVector y = IntVector.broadcast(I, x.get(Layout.INT, xb + 4L * k)).reinterpretAsShorts();
                s00 = s00.add(u.mul(y));
                s01 = s01.add(v.mul(y));
                y = IntVector.broadcast(I, x.get(Layout.INT, xb + xs + 4L * k)).reinterpretAsShorts();
                s10 = s10.add(u.mul(y));
                s11 = s11.add(v.mul(y));
                y = IntVector.broadcast(I, x.get(Layout.INT, xb + 2 * xs + 4L * k)).reinterpretAsShorts();
                s20 = s20.add(u.mul(y));
                s21 = s21.add(v.mul(y));
                y = IntVector.broadcast(I, x.get(Layout.INT, xb + 3 * xs + 4L * k)).reinterpretAsShorts();
                s30 = s30.add(u.mul(y));
                s31 = s31.add(v.mul(y));
            }
            FloatVector c = FloatVector.fromMemorySegment(F, m, d0 + (long) b * V, LITTLE_ENDIAN);
            FloatVector e = FloatVector.fromMemorySegment(F, m, d1 + (long) b * V, LITTLE_ENDIAN);
            FloatVector d = FloatVector.broadcast(F, x.get(FLOAT, e0 + 4L * b));
            IntVector i = s00.reinterpretAsInts();
            i = i.lanewise(VectorOperators.LSHL, HALF).add(i).lanewise(VectorOperators.ASHR, HALF);
            f00 = ((FloatVector) i.convert(VectorOperators.I2F, 0)).mul(c).fma(d, f00);
            i = s01.reinterpretAsInts();
            i = i.lanewise(VectorOperators.LSHL, HALF).add(i).lanewise(VectorOperators.ASHR, HALF);
            f01 = ((FloatVector) i.convert(VectorOperators.I2F, 0)).mul(e).fma(d, f01);
            d = FloatVector.broadcast(F, x.get(FLOAT, e0 + xs + 4L * b));
            i = s10.reinterpretAsInts();
            i = i.lanewise(VectorOperators.LSHL, HALF).add(i).lanewise(VectorOperators.ASHR, HALF);
            f10 = ((FloatVector) i.convert(VectorOperators.I2F, 0)).mul(c).fma(d, f10);
            i = s11.reinterpretAsInts();
            i = i.lanewise(VectorOperators.LSHL, HALF).add(i).lanewise(VectorOperators.ASHR, HALF);
            f11 = ((FloatVector) i.convert(VectorOperators.I2F, 0)).mul(e).fma(d, f11);
            d = FloatVector.broadcast(F, x.get(FLOAT, e0 + 2 * xs + 4L * b));
            i = s20.reinterpretAsInts();
            i = i.lanewise(VectorOperators.LSHL, HALF).add(i).lanewise(VectorOperators.ASHR, HALF);
            f20 = ((FloatVector) i.convert(VectorOperators.I2F, 0)).mul(c).fma(d, f20);
            i = s21.reinterpretAsInts();
            i = i.lanewise(VectorOperators.LSHL, HALF).add(i).lanewise(VectorOperators.ASHR, HALF);
            f21 = ((FloatVector) i.convert(VectorOperators.I2F, 0)).mul(e).fma(d, f21);
            d = FloatVector.broadcast(F, x.get(FLOAT, e0 + 3 * xs + 4L * b));
            i = s30.reinterpretAsInts();
            i = i.lanewise(VectorOperators.LSHL, HALF).add(i).lanewise(VectorOperators.ASHR, HALF);
            f30 = ((FloatVector) i.convert(VectorOperators.I2F, 0)).mul(c).fma(d, f30);
            i = s31.reinterpretAsInts();
            i = i.lanewise(VectorOperators.LSHL, HALF).add(i).lanewise(VectorOperators.ASHR, HALF);
            f31 = ((FloatVector) i.convert(VectorOperators.I2F, 0)).mul(e).fma(d, f31);
        }
        f00.intoMemorySegment(m, acc, LITTLE_ENDIAN);
        f01.intoMemorySegment(m, acc + V, LITTLE_ENDIAN);
        f10.intoMemorySegment(m, acc + as, LITTLE_ENDIAN);
        f11.intoMemorySegment(m, acc + as + V, LITTLE_ENDIAN);
        f20.intoMemorySegment(m, acc + 2 * as, LITTLE_ENDIAN);
        f21.intoMemorySegment(m, acc + 2 * as + V, LITTLE_ENDIAN);
        f30.intoMemorySegment(m, acc + 3 * as, LITTLE_ENDIAN);
        f31.intoMemorySegment(m, acc + 3 * as + V, LITTLE_ENDIAN);
    }
}
