package io.jllm.cpu.vector;

import static io.jllm.cpu.layout.Rows.FLOAT;
import static io.jllm.cpu.vector.VectorKernels.F;
import static io.jllm.cpu.vector.VectorUnpack.I;
import static io.jllm.cpu.vector.VectorUnpack.S;
import static io.jllm.cpu.vector.VectorUnpack.V;
import static java.nio.ByteOrder.LITTLE_ENDIAN;

import io.jllm.cpu.kernels.PackedMatrix;
import io.jllm.cpu.kernels.Target;
import io.jllm.cpu.layout.Layout;
import io.jllm.cpu.layout.Rows;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Register tiles of products of integers, over what {@link VectorUnpack} left: sums of 16 bits first, of as many columns as fit, for two
 * strips and one or four tokens; from these, sums of floats, one token at a time. Bodies are kept small: long ones take seconds to
 * compile. All offsets and strides are in bytes.
 */
final class VectorTiles {
    /** Tokens of the larger tile. */
    static final int TOKENS = 4;
    private static final int HALF = Short.SIZE;

    private VectorTiles() {
    }

    /**
     * Sums of a block, or of half of one, with four tokens: for each token, a vector for each strip, two numbers of 16 bits for a row.
     *
     * @param w0 vectors of the first strip
     * @param w1 the same of the second
     * @param x0 pairs of the first token
     * @param xs from token to token
     * @param n vectors
     * @param to where sums go
     */
    static void sums4(MemorySegment m, long w0, long w1, MemorySegment x, long x0, long xs, int n, long to) {
        ShortVector s00 = ShortVector.zero(S), s01 = s00, s10 = s00, s11 = s00;
        ShortVector s20 = s00, s21 = s00, s30 = s00, s31 = s00;
        for (int k = 0; k < n; k++) {
            ShortVector u = ShortVector.fromMemorySegment(S, m, w0 + (long) k * V, LITTLE_ENDIAN);
            ShortVector v = ShortVector.fromMemorySegment(S, m, w1 + (long) k * V, LITTLE_ENDIAN);
            ShortVector y = IntVector.broadcast(I, x.get(Layout.INT, x0 + 4L * k)).reinterpretAsShorts();
            s00 = s00.add(u.mul(y));
            s01 = s01.add(v.mul(y));
            y = IntVector.broadcast(I, x.get(Layout.INT, x0 + xs + 4L * k)).reinterpretAsShorts();
            s10 = s10.add(u.mul(y));
            s11 = s11.add(v.mul(y));
            y = IntVector.broadcast(I, x.get(Layout.INT, x0 + 2 * xs + 4L * k)).reinterpretAsShorts();
            s20 = s20.add(u.mul(y));
            s21 = s21.add(v.mul(y));
            y = IntVector.broadcast(I, x.get(Layout.INT, x0 + 3 * xs + 4L * k)).reinterpretAsShorts();
            s30 = s30.add(u.mul(y));
            s31 = s31.add(v.mul(y));
        }
        s00.intoMemorySegment(m, to, LITTLE_ENDIAN);
        s01.intoMemorySegment(m, to + V, LITTLE_ENDIAN);
        s10.intoMemorySegment(m, to + 2 * V, LITTLE_ENDIAN);
        s11.intoMemorySegment(m, to + 3 * V, LITTLE_ENDIAN);
        s20.intoMemorySegment(m, to + 4 * V, LITTLE_ENDIAN);
        s21.intoMemorySegment(m, to + 5 * V, LITTLE_ENDIAN);
        s30.intoMemorySegment(m, to + 6 * V, LITTLE_ENDIAN);
        s31.intoMemorySegment(m, to + 7 * V, LITTLE_ENDIAN);
    }

    /** The same with one token. */
    static void sums1(MemorySegment m, long w0, long w1, MemorySegment x, long x0, int n, long to) {
        ShortVector s0 = ShortVector.zero(S), s1 = s0;
        for (int k = 0; k < n; k++) {
            ShortVector y = IntVector.broadcast(I, x.get(Layout.INT, x0 + 4L * k)).reinterpretAsShorts();
            s0 = s0.add(ShortVector.fromMemorySegment(S, m, w0 + (long) k * V, LITTLE_ENDIAN).mul(y));
            s1 = s1.add(ShortVector.fromMemorySegment(S, m, w1 + (long) k * V, LITTLE_ENDIAN).mul(y));
        }
        s0.intoMemorySegment(m, to, LITTLE_ENDIAN);
        s1.intoMemorySegment(m, to + V, LITTLE_ENDIAN);
    }

    /**
     * Adds the blocks of a chunk to a token's sums, where weights have a scale: t = sum * scale, acc = fma(t, d, acc). Both numbers of a
     * row together fit 16 bits.
     *
     * @param from sums of the first strip; those of the second are behind them
     * @param step from block to block
     * @param d0 scales of the first strip, a vector for each block
     * @param d1 the same of the second
     * @param x0 fields of the token's first block
     * @param acc where the two strips' sums are
     */
    static void scaled(MemorySegment m, long from, long step, long d0, long d1, MemorySegment x, long x0, int blocks, long acc) {
        FloatVector f = FloatVector.fromMemorySegment(F, m, acc, LITTLE_ENDIAN);
        FloatVector g = FloatVector.fromMemorySegment(F, m, acc + V, LITTLE_ENDIAN);
        for (int b = 0; b < blocks; b++) {
            FloatVector d = FloatVector.broadcast(F, x.get(FLOAT, x0 + 4L * b));
            FloatVector c = FloatVector.fromMemorySegment(F, m, d0 + (long) b * V, LITTLE_ENDIAN);
            IntVector s = IntVector.fromMemorySegment(I, m, from + b * step, LITTLE_ENDIAN);
            s = s.lanewise(VectorOperators.LSHL, HALF).add(s).lanewise(VectorOperators.ASHR, HALF);
            f = ((FloatVector) s.convert(VectorOperators.I2F, 0)).mul(c).fma(d, f);
            c = FloatVector.fromMemorySegment(F, m, d1 + (long) b * V, LITTLE_ENDIAN);
            s = IntVector.fromMemorySegment(I, m, from + b * step + V, LITTLE_ENDIAN);
            s = s.lanewise(VectorOperators.LSHL, HALF).add(s).lanewise(VectorOperators.ASHR, HALF);
            g = ((FloatVector) s.convert(VectorOperators.I2F, 0)).mul(c).fma(d, g);
        }
        f.intoMemorySegment(m, acc, LITTLE_ENDIAN);
        g.intoMemorySegment(m, acc + V, LITTLE_ENDIAN);
    }

    /** The same, one strip, where both numbers of a row together take more than 16 bits. */
    static void wide(MemorySegment m, long from, long step, long d, MemorySegment x, long x0, int blocks, long acc) {
        FloatVector f = FloatVector.fromMemorySegment(F, m, acc, LITTLE_ENDIAN);
        for (int b = 0; b < blocks; b++) {
            FloatVector c = FloatVector.fromMemorySegment(F, m, d + (long) b * V, LITTLE_ENDIAN);
            IntVector s = IntVector.fromMemorySegment(I, m, from + b * step, LITTLE_ENDIAN);
            s = s.lanewise(VectorOperators.LSHL, HALF).lanewise(VectorOperators.ASHR, HALF).add(s.lanewise(VectorOperators.ASHR, HALF));
            f = ((FloatVector) s.convert(VectorOperators.I2F, 0)).mul(c).fma(FloatVector.broadcast(F, x.get(FLOAT, x0 + 4L * b)), f);
        }
        f.intoMemorySegment(m, acc, LITTLE_ENDIAN);
    }

    /** The same, one strip, where sums have 32 bits. */
    static void whole(MemorySegment m, long from, long step, long d, MemorySegment x, long x0, int blocks, long acc) {
        FloatVector f = FloatVector.fromMemorySegment(F, m, acc, LITTLE_ENDIAN);
        for (int b = 0; b < blocks; b++) {
            FloatVector c = FloatVector.fromMemorySegment(F, m, d + (long) b * V, LITTLE_ENDIAN);
            IntVector s = IntVector.fromMemorySegment(I, m, from + b * step, LITTLE_ENDIAN);
            f = ((FloatVector) s.convert(VectorOperators.I2F, 0)).mul(c).fma(FloatVector.broadcast(F, x.get(FLOAT, x0 + 4L * b)), f);
        }
        f.intoMemorySegment(m, acc, LITTLE_ENDIAN);
    }

    /**
     * The same, one strip, where each half of a block has a scale: t = sum * scale, t = fma(sum of the second half, its scale, t).
     *
     * @param from sums of the first half; those of the second are a step behind them
     * @param step from half to half
     */
    static void halves(MemorySegment m, long from, long step, long d, MemorySegment x, long x0, int blocks, long acc) {
        FloatVector f = FloatVector.fromMemorySegment(F, m, acc, LITTLE_ENDIAN);
        for (int b = 0; b < blocks; b++) {
            FloatVector c = FloatVector.fromMemorySegment(F, m, d + 2L * b * V, LITTLE_ENDIAN);
            IntVector s = IntVector.fromMemorySegment(I, m, from + 2 * b * step, LITTLE_ENDIAN);
            s = s.lanewise(VectorOperators.LSHL, HALF).lanewise(VectorOperators.ASHR, HALF).add(s.lanewise(VectorOperators.ASHR, HALF));
            FloatVector t = ((FloatVector) s.convert(VectorOperators.I2F, 0)).mul(c);
            c = FloatVector.fromMemorySegment(F, m, d + (2L * b + 1) * V, LITTLE_ENDIAN);
            s = IntVector.fromMemorySegment(I, m, from + (2 * b + 1) * step, LITTLE_ENDIAN);
            s = s.lanewise(VectorOperators.LSHL, HALF).lanewise(VectorOperators.ASHR, HALF).add(s.lanewise(VectorOperators.ASHR, HALF));
            t = ((FloatVector) s.convert(VectorOperators.I2F, 0)).fma(c, t);
            f = t.fma(FloatVector.broadcast(F, x.get(FLOAT, x0 + 4L * b)), f);
        }
        f.intoMemorySegment(m, acc, LITTLE_ENDIAN);
    }

    /**
     * The same, one strip, where each half of a block has a scale and a minimum: t = sum * scale, t = fma(sum of the second half, its scale, t),
     * then for each half t = fma(minimum, - sum of the token's half, t).
     *
     * @param from sums of the first half; those of the second are a step behind them
     * @param step from half to half
     * @param minima as scales
     * @param xh where the token's sums of halves are, see {@link VectorTokens#halves}
     */
    static void halfMinima(MemorySegment m, long from, long step, long d, long minima, MemorySegment x, long x0, long xh, int blocks, long acc) {
        FloatVector f = FloatVector.fromMemorySegment(F, m, acc, LITTLE_ENDIAN);
        for (int b = 0; b < blocks; b++) {
            long first = 2L * b * V;
            FloatVector c = FloatVector.fromMemorySegment(F, m, d + first, LITTLE_ENDIAN);
            IntVector s = IntVector.fromMemorySegment(I, m, from + 2 * b * step, LITTLE_ENDIAN);
            s = s.lanewise(VectorOperators.LSHL, HALF).add(s).lanewise(VectorOperators.ASHR, HALF);
            FloatVector t = ((FloatVector) s.convert(VectorOperators.I2F, 0)).mul(c);
            c = FloatVector.fromMemorySegment(F, m, d + first + V, LITTLE_ENDIAN);
            s = IntVector.fromMemorySegment(I, m, from + (2 * b + 1) * step, LITTLE_ENDIAN);
            s = s.lanewise(VectorOperators.LSHL, HALF).add(s).lanewise(VectorOperators.ASHR, HALF);
            t = ((FloatVector) s.convert(VectorOperators.I2F, 0)).fma(c, t);
            c = FloatVector.fromMemorySegment(F, m, minima + first, LITTLE_ENDIAN);
            t = c.fma(FloatVector.broadcast(F, VectorTokens.minusHalf(x, xh + 8L * b)), t);
            c = FloatVector.fromMemorySegment(F, m, minima + first + V, LITTLE_ENDIAN);
            t = c.fma(FloatVector.broadcast(F, VectorTokens.minusHalf(x, xh + 8L * b + 4)), t);
            f = t.fma(FloatVector.broadcast(F, x.get(FLOAT, x0 + 4L * b)), f);
        }
        f.intoMemorySegment(m, acc, LITTLE_ENDIAN);
    }

    /**
     * The same, one strip, where blocks have a scale and a minimum: t = sum * scale, t = fma(minimum, - sum of the token's block, t).
     *
     * @param minima as scales
     * @param xs from field to field of the token
     * @param factor by how much integers of weights were lowered, in eighths
     */
    static void minima(MemorySegment m, long from, long step, long d, long minima, int factor, MemorySegment x, long x0, long xs, int blocks,
                       long acc) {
        FloatVector f = FloatVector.fromMemorySegment(F, m, acc, LITTLE_ENDIAN);
        for (int b = 0; b < blocks; b++) {
            FloatVector c = FloatVector.fromMemorySegment(F, m, d + (long) b * V, LITTLE_ENDIAN);
            IntVector s = IntVector.fromMemorySegment(I, m, from + b * step, LITTLE_ENDIAN);
            s = s.lanewise(VectorOperators.LSHL, HALF).lanewise(VectorOperators.ASHR, HALF).add(s.lanewise(VectorOperators.ASHR, HALF))
                    .sub(factor * x.get(Layout.INT, x0 + xs + 4L * b));
            FloatVector t = ((FloatVector) s.convert(VectorOperators.I2F, 0)).mul(c);
            c = FloatVector.fromMemorySegment(F, m, minima + (long) b * V, LITTLE_ENDIAN);
            t = c.fma(FloatVector.broadcast(F, x.get(FLOAT, x0 + 2 * xs + 4L * b)), t);
            f = t.fma(FloatVector.broadcast(F, x.get(FLOAT, x0 + 4L * b)), f);
        }
        f.intoMemorySegment(m, acc, LITTLE_ENDIAN);
    }

    /**
     * The same, one strip, where blocks have a scale and a zero: t = fma(zero, - sum of the token's block, sum) * scale.
     *
     * @param zeros as scales
     */
    static void zeros(MemorySegment m, long from, long step, long d, long zeros, int factor, MemorySegment x, long x0, long xs, int blocks,
                      long acc) {
        FloatVector f = FloatVector.fromMemorySegment(F, m, acc, LITTLE_ENDIAN);
        for (int b = 0; b < blocks; b++) {
            FloatVector z = FloatVector.fromMemorySegment(F, m, zeros + (long) b * V, LITTLE_ENDIAN);
            IntVector s = IntVector.fromMemorySegment(I, m, from + b * step, LITTLE_ENDIAN);
            s = s.lanewise(VectorOperators.LSHL, HALF).lanewise(VectorOperators.ASHR, HALF).add(s.lanewise(VectorOperators.ASHR, HALF))
                    .sub(factor * x.get(Layout.INT, x0 + xs + 4L * b));
            FloatVector t = z.fma(FloatVector.broadcast(F, x.get(FLOAT, x0 + 2 * xs + 4L * b)), (FloatVector) s.convert(VectorOperators.I2F, 0));
            t = t.mul(FloatVector.fromMemorySegment(F, m, d + (long) b * V, LITTLE_ENDIAN));
            f = t.fma(FloatVector.broadcast(F, x.get(FLOAT, x0 + 4L * b)), f);
        }
        f.intoMemorySegment(m, acc, LITTLE_ENDIAN);
    }

    /** Stores sums of rows {@code from} on of {@code w} and one token, with all that is added to them. The sums are overwritten. */
    static void put(Target out, PackedMatrix w, int from, int count, int token, MemorySegment sums, long at) {
        long first = (long) (out.column() + from) * Float.BYTES;
        if (w.bias().byteSize() > 0) {
            add(sums, at, w.bias(), (long) from * Float.BYTES, count);
        }
        if (out.residual().isPresent()) {
            Rows residual = out.residual().get();
            add(sums, at, residual.data(), residual.row(token) + first, count);
        }
        Rows rows = out.rows();
        MemorySegment.copy(sums, at, rows.data(), rows.row(token) + first, (long) count * Float.BYTES);
    }

    /** Adds {@code n} floats to others. */
    private static void add(MemorySegment m, long at, MemorySegment more, long moreAt, int n) {
        int whole = n - n % F.length();
        for (int i = 0; i < whole; i += F.length()) {
            FloatVector.fromMemorySegment(F, m, at + 4L * i, LITTLE_ENDIAN).add(FloatVector.fromMemorySegment(F, more, moreAt + 4L * i,
                    LITTLE_ENDIAN))
                    .intoMemorySegment(m, at + 4L * i, LITTLE_ENDIAN);
        }
        for (int i = whole; i < n; i++) {
            m.set(FLOAT, at + 4L * i, m.get(FLOAT, at + 4L * i) + more.get(FLOAT, moreAt + 4L * i));
        }
    }
}
