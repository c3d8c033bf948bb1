package io.jllm.cpu.vector;

import static io.jllm.cpu.layout.Rows.FLOAT;
import static io.jllm.cpu.vector.VectorKernels.F;
import static io.jllm.cpu.vector.VectorKernels.L;
import static io.jllm.cpu.vector.VectorUnpack.H;
import static io.jllm.cpu.vector.VectorUnpack.I;
import static io.jllm.cpu.vector.VectorUnpack.V;
import static java.nio.ByteOrder.LITTLE_ENDIAN;

import io.jllm.cpu.layout.TokenFormat;
import io.jllm.cpu.layout.WeightFormat;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Sums of products of floats, for four strips and four tokens, or two and one: of weights a vector for each column of a group, one after the other,
 * as {@link WeightFormat#F32} has them. A sum takes one column after the other, each multiplied and added with one rounding. All offsets
 * and strides are in bytes.
 */
final class VectorFloats {
    private static final int BLOCK = TokenFormat.BLOCK;
    private static final long LINE = WeightFormat.VECTOR;
    private static final int UPPER_HALF = 0xffff0000;
    /** Where the sign and the other bits of a number in half precision are, shifted to a float's place. */
    private static final int HALF_BITS = 0x8fffe000;

    /** The lowest bit of the exponent of a number in half precision. */
    private static final short EXPONENT = 0x400;
    private static final int LIMIT = Float.floatToRawIntBits(0x1p16f);

    private VectorFloats() {
    }

    /**
     * Adds blocks to the sums of four tokens and four strips.
     *
     * @param w0 weights of the first strip
     * @param w1 of the second
     * @param w2 of the third
     * @param w3 of the fourth
     * @param x0 numbers of the first token
     * @param xs from token to token
     * @param xb from block to block
     * @param acc where the first token's sums are, of all strips
     * @param as from token to token
     */
    static void add4(MemorySegment w, long w0, long w1, long w2, long w3, MemorySegment x, long x0, long xs, long xb, int blocks, MemorySegment m,
                     long acc, long as) {
        FloatVector f00 = FloatVector.fromMemorySegment(F, m, acc, LITTLE_ENDIAN);
        FloatVector f01 = FloatVector.fromMemorySegment(F, m, acc + V, LITTLE_ENDIAN);
        FloatVector f02 = FloatVector.fromMemorySegment(F, m, acc + 2 * V, LITTLE_ENDIAN);
        FloatVector f03 = FloatVector.fromMemorySegment(F, m, acc + 3 * V, LITTLE_ENDIAN);
        FloatVector f10 = FloatVector.fromMemorySegment(F, m, acc + as, LITTLE_ENDIAN);
        FloatVector f11 = FloatVector.fromMemorySegment(F, m, acc + as + V, LITTLE_ENDIAN);
        FloatVector f12 = FloatVector.fromMemorySegment(F, m, acc + as + 2 * V, LITTLE_ENDIAN);
        FloatVector f13 = FloatVector.fromMemorySegment(F, m, acc + as + 3 * V, LITTLE_ENDIAN);
        FloatVector f20 = FloatVector.fromMemorySegment(F, m, acc + 2 * as, LITTLE_ENDIAN);
        FloatVector f21 = FloatVector.fromMemorySegment(F, m, acc + 2 * as + V, LITTLE_ENDIAN);
        FloatVector f22 = FloatVector.fromMemorySegment(F, m, acc + 2 * as + 2 * V, LITTLE_ENDIAN);
        FloatVector f23 = FloatVector.fromMemorySegment(F, m, acc + 2 * as + 3 * V, LITTLE_ENDIAN);
        FloatVector f30 = FloatVector.fromMemorySegment(F, m, acc + 3 * as, LITTLE_ENDIAN);
        FloatVector f31 = FloatVector.fromMemorySegment(F, m, acc + 3 * as + V, LITTLE_ENDIAN);
        FloatVector f32 = FloatVector.fromMemorySegment(F, m, acc + 3 * as + 2 * V, LITTLE_ENDIAN);
        FloatVector f33 = FloatVector.fromMemorySegment(F, m, acc + 3 * as + 3 * V, LITTLE_ENDIAN);
        for (int b = 0; b < blocks; b++) {
            long at = b * BLOCK * LINE;
            long xt = x0 + b * xb;
            for (int c = 0; c < BLOCK; c++) {
                FloatVector u0 = FloatVector.fromMemorySegment(F, w, w0 + at + c * LINE, LITTLE_ENDIAN);
                FloatVector u1 = FloatVector.fromMemorySegment(F, w, w1 + at + c * LINE, LITTLE_ENDIAN);
                FloatVector u2 = FloatVector.fromMemorySegment(F, w, w2 + at + c * LINE, LITTLE_ENDIAN);
                FloatVector u3 = FloatVector.fromMemorySegment(F, w, w3 + at + c * LINE, LITTLE_ENDIAN);
                FloatVector y = FloatVector.broadcast(F, x.get(FLOAT, xt + 4L * c));
                f00 = u0.fma(y, f00);
                f01 = u1.fma(y, f01);
                f02 = u2.fma(y, f02);
                f03 = u3.fma(y, f03);
                y = FloatVector.broadcast(F, x.get(FLOAT, xt + xs + 4L * c));
                f10 = u0.fma(y, f10);
                f11 = u1.fma(y, f11);
                f12 = u2.fma(y, f12);
                f13 = u3.fma(y, f13);
                y = FloatVector.broadcast(F, x.get(FLOAT, xt + 2 * xs + 4L * c));
                f20 = u0.fma(y, f20);
                f21 = u1.fma(y, f21);
                f22 = u2.fma(y, f22);
                f23 = u3.fma(y, f23);
                y = FloatVector.broadcast(F, x.get(FLOAT, xt + 3 * xs + 4L * c));
                f30 = u0.fma(y, f30);
                f31 = u1.fma(y, f31);
                f32 = u2.fma(y, f32);
                f33 = u3.fma(y, f33);
            }
        }
        f00.intoMemorySegment(m, acc, LITTLE_ENDIAN);
        f01.intoMemorySegment(m, acc + V, LITTLE_ENDIAN);
        f02.intoMemorySegment(m, acc + 2 * V, LITTLE_ENDIAN);
        f03.intoMemorySegment(m, acc + 3 * V, LITTLE_ENDIAN);
        f10.intoMemorySegment(m, acc + as, LITTLE_ENDIAN);
        f11.intoMemorySegment(m, acc + as + V, LITTLE_ENDIAN);
        f12.intoMemorySegment(m, acc + as + 2 * V, LITTLE_ENDIAN);
        f13.intoMemorySegment(m, acc + as + 3 * V, LITTLE_ENDIAN);
        f20.intoMemorySegment(m, acc + 2 * as, LITTLE_ENDIAN);
        f21.intoMemorySegment(m, acc + 2 * as + V, LITTLE_ENDIAN);
        f22.intoMemorySegment(m, acc + 2 * as + 2 * V, LITTLE_ENDIAN);
        f23.intoMemorySegment(m, acc + 2 * as + 3 * V, LITTLE_ENDIAN);
        f30.intoMemorySegment(m, acc + 3 * as, LITTLE_ENDIAN);
        f31.intoMemorySegment(m, acc + 3 * as + V, LITTLE_ENDIAN);
        f32.intoMemorySegment(m, acc + 3 * as + 2 * V, LITTLE_ENDIAN);
        f33.intoMemorySegment(m, acc + 3 * as + 3 * V, LITTLE_ENDIAN);
    }

    /** The same with one token and two strips. */
    static void add1(MemorySegment w, long w0, long w1, MemorySegment x, long x0, long xb, int blocks, MemorySegment m, long acc) {
        FloatVector f = FloatVector.fromMemorySegment(F, m, acc, LITTLE_ENDIAN);
        FloatVector g = FloatVector.fromMemorySegment(F, m, acc + V, LITTLE_ENDIAN);
        for (int b = 0; b < blocks; b++) {
            long at = b * BLOCK * LINE;
            for (int c = 0; c < BLOCK; c++) {
                FloatVector y = FloatVector.broadcast(F, x.get(FLOAT, x0 + b * xb + 4L * c));
                f = FloatVector.fromMemorySegment(F, w, w0 + at + c * LINE, LITTLE_ENDIAN).fma(y, f);
                g = FloatVector.fromMemorySegment(F, w, w1 + at + c * LINE, LITTLE_ENDIAN).fma(y, g);
            }
        }
        f.intoMemorySegment(m, acc, LITTLE_ENDIAN);
        g.intoMemorySegment(m, acc + V, LITTLE_ENDIAN);
    }

    /** The same of {@link WeightFormat#BF16}. */
    static void brains1(MemorySegment w, long w0, long w1, MemorySegment x, long x0, long xb, int blocks, MemorySegment m, long acc) {
        FloatVector f = FloatVector.fromMemorySegment(F, m, acc, LITTLE_ENDIAN);
        FloatVector g = FloatVector.fromMemorySegment(F, m, acc + V, LITTLE_ENDIAN);
        for (int b = 0; b < blocks; b++) {
            long at = b * BLOCK / 2 * LINE;
            for (int c = 0; c < BLOCK / 2; c++) {
                FloatVector y = FloatVector.broadcast(F, x.get(FLOAT, x0 + b * xb + 8L * c));
                FloatVector z = FloatVector.broadcast(F, x.get(FLOAT, x0 + b * xb + 8L * c + 4));
                IntVector u = IntVector.fromMemorySegment(I, w, w0 + at + c * LINE, LITTLE_ENDIAN);
                f = u.lanewise(VectorOperators.LSHL, Short.SIZE).reinterpretAsFloats().fma(y, f);
                f = u.and(UPPER_HALF).reinterpretAsFloats().fma(z, f);
                u = IntVector.fromMemorySegment(I, w, w1 + at + c * LINE, LITTLE_ENDIAN);
                g = u.lanewise(VectorOperators.LSHL, Short.SIZE).reinterpretAsFloats().fma(y, g);
                g = u.and(UPPER_HALF).reinterpretAsFloats().fma(z, g);
            }
        }
        f.intoMemorySegment(m, acc, LITTLE_ENDIAN);
        g.intoMemorySegment(m, acc + V, LITTLE_ENDIAN);
    }

    /**
     * The same of {@link WeightFormat#F16}, whose bits, shifted to a float's place, are a float 2^-112 times as large, for a token that is
     * 2^112 times as large: products are the same to the last bit. But that weights which are infinite, or no number, are taken for others.
     *
     * @param x columns of the token
     * @return whether there were none of those
     */
    static boolean lifted1(MemorySegment w, long w0, long w1, float[] x, int cols, MemorySegment m, long acc) {
        FloatVector f = FloatVector.fromMemorySegment(F, m, acc, LITTLE_ENDIAN);
        FloatVector g = FloatVector.fromMemorySegment(F, m, acc + V, LITTLE_ENDIAN);
        ShortVector special = ShortVector.zero(H);
        for (int c = 0; c < cols; c++) {
            FloatVector y = FloatVector.broadcast(F, x[c]);
            ShortVector u = ShortVector.fromMemorySegment(H, w, w0 + c * (LINE / 2), LITTLE_ENDIAN);
            // Exponents of ones, and no others, change the sign when they grow.
            special = special.or(u.add(EXPONENT).lanewise(VectorOperators.XOR, u));
            f = ((IntVector) u.convertShape(VectorOperators.S2I, I, 0)).lanewise(VectorOperators.LSHL, 13).and(HALF_BITS).reinterpretAsFloats()
                    .fma(y, f);
            u = ShortVector.fromMemorySegment(H, w, w1 + c * (LINE / 2), LITTLE_ENDIAN);
            special = special.or(u.add(EXPONENT).lanewise(VectorOperators.XOR, u));
            g = ((IntVector) u.convertShape(VectorOperators.S2I, I, 0)).lanewise(VectorOperators.LSHL, 13).and(HALF_BITS).reinterpretAsFloats()
                    .fma(y, g);
        }
        f.intoMemorySegment(m, acc, LITTLE_ENDIAN);
        g.intoMemorySegment(m, acc + V, LITTLE_ENDIAN);
        return !special.compare(VectorOperators.LT, 0).anyTrue();
    }

    /**
     * Multiplies floats by 2^112, if all are below 2^16 in magnitude.
     *
     * @param n a multiple of 32
     */
    static boolean lift(float[] x, int n) {
        IntVector most = IntVector.zero(I);
        for (int i = 0; i < n; i += L) {
            most = most.max(FloatVector.fromArray(F, x, i).reinterpretAsInts().and(Integer.MAX_VALUE));
        }
        if (most.reduceLanes(VectorOperators.MAX) >= LIMIT) {
            return false;
        }
        for (int i = 0; i < n; i += L) {
            FloatVector.fromArray(F, x, i).mul(VectorScales.UP).intoArray(x, i);
        }
        return true;
    }

    /**
     * The same of {@link WeightFormat#F16}, whatever they are: their bits, shifted to a float's place, are theirs times 2^-112; on the way
     * up infinity becomes one, and so does what is no number.
     */
    static void halves1(MemorySegment w, long w0, long w1, MemorySegment x, long x0, long xb, int blocks, MemorySegment m, long acc) {
        FloatVector f = FloatVector.fromMemorySegment(F, m, acc, LITTLE_ENDIAN);
        FloatVector g = FloatVector.fromMemorySegment(F, m, acc + V, LITTLE_ENDIAN);
        for (int b = 0; b < blocks; b++) {
            long at = b * BLOCK / 2 * LINE;
            for (int c = 0; c < BLOCK; c++) {
                FloatVector y = FloatVector.broadcast(F, x.get(FLOAT, x0 + b * xb + 4L * c));
                IntVector u = (IntVector) ShortVector.fromMemorySegment(H, w, w0 + at + c * LINE / 2, LITTLE_ENDIAN)
                        .convertShape(VectorOperators.S2I, I, 0);
                f = u.lanewise(VectorOperators.LSHL, 13).and(HALF_BITS).reinterpretAsFloats().mul(VectorScales.UP).mul(VectorScales.UP)
                        .mul(VectorScales.DOWN).fma(y, f);
                u = (IntVector) ShortVector.fromMemorySegment(H, w, w1 + at + c * LINE / 2, LITTLE_ENDIAN)
                        .convertShape(VectorOperators.S2I, I, 0);
                g = u.lanewise(VectorOperators.LSHL, 13).and(HALF_BITS).reinterpretAsFloats().mul(VectorScales.UP).mul(VectorScales.UP)
                        .mul(VectorScales.DOWN).fma(y, g);
            }
        }
        f.intoMemorySegment(m, acc, LITTLE_ENDIAN);
        g.intoMemorySegment(m, acc + V, LITTLE_ENDIAN);
    }

    /**
     * Adds sums of integers of a block, which are below 2^24 and so exact, to sums of floats: t = sum * scale, acc = fma(t, d, acc). Zeros
     * take their place.
     *
     * @param sums of the first token
     * @param as from token to token, in both
     * @param scales of the strips
     * @param ds from strip to strip
     * @param e0 scale of the first token
     * @param xs from token to token
     */
    static void scaled(MemorySegment m, long sums, long acc, long as, int strips, long scales, long ds, MemorySegment x, long e0, long xs,
            int tokens) {
        for (int r = 0; r < strips; r++) {
            FloatVector d = FloatVector.fromMemorySegment(F, m, scales + r * ds, LITTLE_ENDIAN);
            for (int t = 0; t < tokens; t++) {
                long at = t * as + (long) r * V;
                FloatVector.fromMemorySegment(F, m, sums + at, LITTLE_ENDIAN).mul(d)
                        .fma(FloatVector.broadcast(F, x.get(FLOAT, e0 + t * xs)), FloatVector.fromMemorySegment(F, m, acc + at, LITTLE_ENDIAN))
                        .intoMemorySegment(m, acc + at, LITTLE_ENDIAN);
                FloatVector.zero(F).intoMemorySegment(m, sums + at, LITTLE_ENDIAN);
            }
        }
    }

    // From other formats to F32's, a group at a time

    /** Numbers of {@link WeightFormat#F16}. */
    static void fromHalves(MemorySegment w, long from, int n, MemorySegment to, long at) {
        for (int i = 0; i < n; i += L) {
            IntVector h = (IntVector) ShortVector.fromMemorySegment(H, w, from + 2L * i, LITTLE_ENDIAN).convertShape(VectorOperators.S2I, I, 0);
            h.lanewise(VectorOperators.LSHL, 13).and(HALF_BITS).reinterpretAsFloats().mul(VectorScales.UP).mul(VectorScales.UP)
                    .mul(VectorScales.DOWN).intoMemorySegment(to, at + 4L * i, LITTLE_ENDIAN);
        }
    }

    /** Lines of {@link WeightFormat#BF16}, two columns each. */
    static void fromBrains(MemorySegment w, long from, int lines, MemorySegment to, long at) {
        for (int i = 0; i < lines; i++) {
            for (long r = 0; r < LINE; r += V) {
                IntVector v = IntVector.fromMemorySegment(I, w, from + i * LINE + r, LITTLE_ENDIAN);
                v.lanewise(VectorOperators.LSHL, Short.SIZE).intoMemorySegment(to, at + 2 * i * LINE + r, LITTLE_ENDIAN);
                v.and(UPPER_HALF).intoMemorySegment(to, at + (2 * i + 1) * LINE + r, LITTLE_ENDIAN);
            }
        }
    }

    /** Lines of unsigned bytes, four columns each, from which 128 is subtracted. */
    static void fromBytes(MemorySegment w, long from, int lines, MemorySegment to, long at) {
        for (int i = 0; i < lines; i++) {
            for (long r = 0; r < LINE; r += V) {
                IntVector v = IntVector.fromMemorySegment(I, w, from + i * LINE + r, LITTLE_ENDIAN);
                for (int c = 0; c < Integer.BYTES; c++) {
                    ((FloatVector) v.and(0xff).sub(128).convert(VectorOperators.I2F, 0)).intoMemorySegment(to, at + (4 * i + c) * LINE + r,
                            LITTLE_ENDIAN);
                    v = v.lanewise(VectorOperators.LSHR, Byte.SIZE);
                }
            }
        }
    }

    /** Subtracts a vector from a strip of so many columns. */
    static void lower(MemorySegment m, long at, int columns, long by) {
        FloatVector less = FloatVector.fromMemorySegment(F, m, by, LITTLE_ENDIAN);
        for (int c = 0; c < columns; c++) {
            FloatVector.fromMemorySegment(F, m, at + c * LINE, LITTLE_ENDIAN).sub(less).intoMemorySegment(m, at + c * LINE, LITTLE_ENDIAN);
        }
    }
}
