package io.jllm.cpu.vector;

import static io.jllm.cpu.vector.VectorKernels.F;
import static io.jllm.cpu.vector.VectorKernels.L;
import static io.jllm.cpu.vector.VectorUnpack.B;
import static io.jllm.cpu.vector.VectorUnpack.H;
import static io.jllm.cpu.vector.VectorUnpack.I;
import static io.jllm.cpu.vector.VectorUnpack.V;
import static java.nio.ByteOrder.LITTLE_ENDIAN;

import io.jllm.cpu.layout.Layout;
import io.jllm.cpu.layout.Numbers.Integers;
import io.jllm.cpu.layout.Scales;
import io.jllm.cpu.layout.WeightFormat;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/** Scales and minima of a strip of rearranged weights as vectors of floats, as {@link Scales} says that they lie. */
final class VectorScales {
    /** What exponents of floats are above those of numbers in half precision. */
    static final int REBIAS = 112 << 23;
    /** The least number in half precision of which all bits count. */
    static final float NORMAL = 0x1p-14f;
    static final float UP = 0x1p112f;
    static final float DOWN = 0x1p-112f;
    private static final long LINE = WeightFormat.VECTOR;
    private static final int ROWS = WeightFormat.ROWS;
    private static final int BLOCKS = 8;
    /** In each byte. */
    private static final int SIX_BITS = 0x3f3f3f3f;
    private static final int UPPER_OF_SIX = 0x30303030;
    private static final int LOW_OF_SIX = 0x0f0f0f0f;
    private static final int BYTE = 0xff;
    private static final int NIBBLE = 15;
    private static final int EXPONENT_AT = 23;
    /** Where the lowest of three bits behind the point stands in a float. */
    private static final int SMALL_AT = 20;
    /** The bits of the least float that has all of its bits, and of half of it. */
    private static final int LEAST_NORMAL = 1 << EXPONENT_AT;
    private static final int HALF_OF_IT = LEAST_NORMAL >> 1;

    private VectorScales() {
    }

    /**
     * Those of some blocks.
     *
     * @param unit where the unit of the first block starts
     * @param from which block of that unit is the first; 0 where units are 256 columns
     * @param part which strip of the group
     * @param blocks how many; where units are 256 columns, all of them are written
     * @param scales receives a vector for each scale
     * @param minima receives a vector for each minimum or zero, where there are any
     */
    static void unpack(WeightFormat format, Scales kind, MemorySegment w, long unit, int from, int part, int blocks, MemorySegment to, long scales,
                       long minima) {
        switch (kind) {
            case SMALL_FLOATS -> {
                for (int i = 0; i < 2 * BLOCKS; i++) {
                    smallFloats(w, unit + LINE + (long) i * ROWS + (long) part * L, unit + (long) part * V, to, scales + (long) i * V);
                }
            }
            case SIX_BITS -> sixBits(w, unit, part, to, scales, minima);
            case FOUR_BITS -> fourBits(w, unit, part, to, scales, minima);
            case BYTES -> {
                for (int i = 0; i < 2 * BLOCKS; i++) {
                    bytes(w, unit + LINE + (long) i * ROWS + (long) part * L, unit + (long) part * V, to, scales + (long) i * V);
                }
            }
            case HALVES, HALVES_AND_MINIMA, BLOCK_BYTES, POWERS, FLOATS, ZEROS_OF_ONE, ZEROS_OF_TWO, ZEROS_OF_FOUR -> {
                int unitBlocks = format.unitBlocks();
                for (int b = 0; b < blocks; b++) {
                    int k = (from + b) % unitBlocks;
                    long header = unit + (long) ((from + b) / unitBlocks) * format.unitBytes(unitBlocks);
                    block(format, kind, w, header, k, part, to, scales + (long) b * V, minima + (long) b * V);
                }
            }
        }
    }

    /** The scale of block {@code k} of a unit, and its minimum, or its zero. */
    private static void block(WeightFormat format, Scales kind, MemorySegment w, long header, int k, int part, MemorySegment to, long scale,
            long minimum) {
        long half = header + k * (LINE / 2) + (long) part * V / 2;
        long octet = header + (long) k * ROWS + (long) part * L;
        switch (kind) {
            case HALVES -> half(w, half, to, scale);
            case HALVES_AND_MINIMA -> {
                half(w, half, to, scale);
                half(w, half + LINE / 2, to, minimum);
            }
            case BLOCK_BYTES -> bytes(w, octet + LINE, header + (long) part * V, to, scale);
            case POWERS -> powers(w, octet, to, scale);
            case FLOATS -> FloatVector.fromMemorySegment(F, w, header + (long) part * V, LITTLE_ENDIAN).mul(part(format))
                    .intoMemorySegment(to, scale, LITTLE_ENDIAN);
            case ZEROS_OF_ONE, ZEROS_OF_TWO, ZEROS_OF_FOUR -> {
                int shared = k / kind.zeroBlocks();
                half(w, header + shared * (LINE / 2) + (long) part * V / 2, to, scale);
                octets(w, header + kind.zerosAt() + (long) shared * ROWS + (long) part * L).convert(VectorOperators.I2F, 0)
                        .intoMemorySegment(to, minimum, LITTLE_ENDIAN);
            }
            case SIX_BITS, FOUR_BITS, BYTES, SMALL_FLOATS -> throw new IllegalArgumentException("a whole unit has " + kind);
        }
    }

    private static float part(WeightFormat format) {
        return format.numbers() instanceof Integers n ? n.planes().book().part() : 1;
    }

    /**
     * Numbers in half precision to floats. Their exponents become a float's, which is all but for those below the least normal number m: as
     * {@code 2 x - m} is less than x below m, and above it nowhere, these are the smaller of both. A multiplication alone would do it too,
     * were it not slow where it takes numbers below a float's least normal one. On the way up infinity becomes one, and so does
     * what is no number.
     */
    private static void half(MemorySegment w, long at, MemorySegment to, long out) {
        IntVector h = (IntVector) ShortVector.fromMemorySegment(H, w, at, LITTLE_ENDIAN).convertShape(VectorOperators.S2I, I, 0);
        IntVector n = h.and(0x7fff).lanewise(VectorOperators.LSHL, 13).add(REBIAS);
        FloatVector c = n.reinterpretAsFloats();
        n.min(c.add(c).sub(NORMAL).reinterpretAsInts()).or(h.and(Integer.MIN_VALUE)).reinterpretAsFloats().mul(UP).mul(DOWN)
                .intoMemorySegment(to, out, LITTLE_ENDIAN);
    }

    /** Signed bytes times floats. */
    private static void bytes(MemorySegment w, long bytes, long floats, MemorySegment to, long out) {
        ((FloatVector) octets(w, bytes).convert(VectorOperators.I2F, 0)).mul(FloatVector.fromMemorySegment(F, w, floats, LITTLE_ENDIAN))
                .intoMemorySegment(to, out, LITTLE_ENDIAN);
    }

    /** Bytes as the upper bits, but for the sign, of numbers in half precision, times floats. Below the least normal one see above. */
    private static void smallFloats(MemorySegment w, long bytes, long floats, MemorySegment to, long out) {
        IntVector n = octets(w, bytes).lanewise(VectorOperators.LSHL, SMALL_AT).add(REBIAS);
        FloatVector c = n.reinterpretAsFloats();
        c.min(c.add(c).sub(NORMAL)).mul(FloatVector.fromMemorySegment(F, w, floats, LITTLE_ENDIAN)).intoMemorySegment(to, out, LITTLE_ENDIAN);
    }

    /**
     * 2^(b - 128) of bytes b. As exponents of floats they give twice as much; half of it is one less in the exponent, but for the smallest, whose
     * bits are shifted right.
     */
    private static void powers(MemorySegment w, long bytes, MemorySegment to, long out) {
        IntVector twice = octets(w, bytes).and(BYTE).lanewise(VectorOperators.LSHL, EXPONENT_AT).max(HALF_OF_IT);
        twice.sub(twice.lanewise(VectorOperators.LSHR, 1).min(LEAST_NORMAL)).intoMemorySegment(to, out, LITTLE_ENDIAN);
    }

    /** Scales and minima of 6 bits each, times one in half precision each. */
    private static void sixBits(MemorySegment w, long unit, int part, MemorySegment to, long scales, long minima) {
        long word = unit + LINE + (long) part * V;
        half(w, unit + (long) part * V / 2, to, scales);
        factors(w, word, word + 2 * LINE, 0, to, scales);
        half(w, unit + LINE / 2 + (long) part * V / 2, to, minima);
        factors(w, word + LINE, word + 2 * LINE, 4, to, minima);
    }

    /** Eight factors of 6 bits, times the floats that are where the first one goes. */
    private static void factors(MemorySegment w, long first, long rest, int shift, MemorySegment to, long out) {
        FloatVector d = FloatVector.fromMemorySegment(F, to, out, LITTLE_ENDIAN);
        IntVector v = IntVector.fromMemorySegment(I, w, first, LITTLE_ENDIAN);
        IntVector r = IntVector.fromMemorySegment(I, w, rest, LITTLE_ENDIAN).lanewise(VectorOperators.LSHR, shift).and(LOW_OF_SIX)
                .or(v.lanewise(VectorOperators.LSHR, 2).and(UPPER_OF_SIX));
        v = v.and(SIX_BITS);
        for (int b = 0; b < BLOCKS / 2; b++) {
            ((FloatVector) v.and(BYTE).convert(VectorOperators.I2F, 0)).mul(d).intoMemorySegment(to, out + (long) b * V, LITTLE_ENDIAN);
            ((FloatVector) r.and(BYTE).convert(VectorOperators.I2F, 0)).mul(d).intoMemorySegment(to, out + (long) (b + BLOCKS / 2) * V,
                    LITTLE_ENDIAN);
            v = v.lanewise(VectorOperators.LSHR, Byte.SIZE);
            r = r.lanewise(VectorOperators.LSHR, Byte.SIZE);
        }
    }

    /** Scales and minima of 4 bits each, times one in half precision each. */
    private static void fourBits(MemorySegment w, long unit, int part, MemorySegment to, long scales, long minima) {
        half(w, unit + (long) part * V / 2, to, scales);
        half(w, unit + LINE / 2 + (long) part * V / 2, to, minima);
        FloatVector d = FloatVector.fromMemorySegment(F, to, scales, LITTLE_ENDIAN);
        FloatVector m = FloatVector.fromMemorySegment(F, to, minima, LITTLE_ENDIAN);
        for (int i = 0; i < 2 * BLOCKS; i++) {
            IntVector both = octets(w, unit + LINE + (long) i * ROWS + (long) part * L);
            ((FloatVector) both.and(NIBBLE).convert(VectorOperators.I2F, 0)).mul(d).intoMemorySegment(to, scales + (long) i * V, LITTLE_ENDIAN);
            ((FloatVector) both.lanewise(VectorOperators.LSHR, 4).and(NIBBLE).convert(VectorOperators.I2F, 0)).mul(m)
                    .intoMemorySegment(to, minima + (long) i * V, LITTLE_ENDIAN);
        }
    }

    /** A signed byte for each row of a strip. */
    private static IntVector octets(MemorySegment w, long at) {
        if (B.length() == L) {
            return (IntVector) ByteVector.fromMemorySegment(B, w, at, LITTLE_ENDIAN).convertShape(VectorOperators.B2I, I, 0);
        }
        // Four bytes, for which there is no vector: to lanes of their own.
        return IntVector.broadcast(I, w.get(Layout.INT, at)).lanewise(VectorOperators.LSHR, IntVector.zero(I).addIndex(Byte.SIZE))
                .lanewise(VectorOperators.LSHL, Integer.SIZE - Byte.SIZE).lanewise(VectorOperators.ASHR, Integer.SIZE - Byte.SIZE);
    }
}
