package io.jllm.cpu.vector;

import static io.jllm.cpu.vector.VectorKernels.F;
import static io.jllm.cpu.vector.VectorKernels.L;
import static java.nio.ByteOrder.LITTLE_ENDIAN;

import io.jllm.cpu.layout.Layout;
import io.jllm.cpu.layout.Numbers.Integers;
import io.jllm.cpu.layout.Planes;
import io.jllm.cpu.layout.Scales;
import io.jllm.cpu.layout.WeightFormat;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * Rearranged weights (see {@link WeightFormat}) to integers of 16 bits and scales of 32, for tiles that use them many times. Strips are
 * parts of a group, as many rows as floats fill a vector. For each block of a strip there are 16 vectors, two for each four columns c to
 * c + 3: for each row the numbers of columns c and c + 2, then those of c + 1 and c + 3. From the integers a half of their range is
 * subtracted, so that 16 products with bytes, or 8 where they have 6 bits, add up in 16 bits; from those of two or three bits only their offset.
 */
final class VectorUnpack {
    static final VectorSpecies<Integer> I = VectorSpecies.of(int.class, F.vectorShape());
    static final VectorSpecies<Short> S = VectorSpecies.of(short.class, F.vectorShape());
    /** As many shorts as there are float lanes. */
    static final VectorSpecies<Short> H = VectorSpecies.of(short.class, VectorShape.forBitSize(Short.SIZE * L));
    /** As many bytes, but for the narrowest vectors, which are as wide as the next. */
    static final VectorSpecies<Byte> B = VectorSpecies.of(byte.class, VectorShape.forBitSize(Math.max(64, Byte.SIZE * L)));
    /** Bytes of a vector. */
    static final int V = L * Float.BYTES;
    /** Vectors of a block. */
    static final int PAIRS = 16;
    private static final int LINE = WeightFormat.VECTOR;
    private static final int ROWS = WeightFormat.ROWS;
    private static final int WORDS = 4;
    private static final int BLOCKS = 8;
    /** In each byte. */
    private static final int SIX_BITS = 0x3f3f3f3f;
    private static final int UPPER_OF_SIX = 0x30303030;
    private static final int LOW_OF_SIX = 0x0f0f0f0f;
    private static final int BYTE = 0xff;
    private static final short NIBBLE = 15;
    private static final short PAIR = 3;
    /** The columns, in fours, whose fifth bits are bits 0 to 7 of a byte. */
    private static final int[] FIFTH = {0, 1, 4, 5, 2, 3, 6, 7};
    /** What exponents of floats are above those of numbers in half precision. */
    static final int REBIAS = 112 << 23;
    /** The least number in half precision of which all bits count. */
    static final float NORMAL = 0x1p-14f;
    static final float UP = 0x1p112f;
    static final float DOWN = 0x1p-112f;

    private VectorUnpack() {
    }

    /**
     * Blocks of a strip, from the start of a unit on.
     *
     * @param unit where the unit of the group starts
     * @param part which strip of the group
     * @param blocks how many, at most 8
     * @param panel receives the integers
     * @param scales receives a vector for each scale
     * @param minima receives a vector for each block's minimum, where there are any
     */
    static void unpack(WeightFormat format, Planes planes, Scales kind, MemorySegment w, long unit, int part, int blocks, MemorySegment to,
                       long panel, long scales, long minima) {
        int unitBlocks = format.unitBlocks();
        long unitBytes = format.unitBytes(unitBlocks);
        for (int b = 0; b < blocks; b++) {
            long at = unit + b / unitBlocks * unitBytes;
            long block = at + format.headerBytes() + (long) (b % unitBlocks) * format.blockBytes() + (long) part * V;
            if (planes.pairs()) {
                pairs(w, block, to, panel(panel, b), planes);
            } else {
                nibbles(w, block, to, panel(panel, b), (short) planes.middle(), planes.split());
            }
            if (planes.extraBits() == 1) {
                fifth(w, block + WORDS * LINE, to, panel(panel, b));
            } else if (planes.extraBits() == 2) {
                upper(w, block + WORDS * LINE, to, panel(panel, b));
                upper(w, block + (WORDS + 1) * LINE, to, panel(panel, b) + PAIRS / 2 * V);
            }
            if (kind == Scales.HALVES) {
                half(w, at + b % unitBlocks * (LINE / 2) + (long) part * V / 2, to, scales + (long) b * V);
            }
        }
        switch (kind) {
            case HALVES -> { }
            case SIX_BITS -> sixBits(w, unit, part, to, scales, minima);
            case BYTES -> bytes(w, unit, part, to, scales);
            case FOUR_BITS -> fourBits(w, unit, part, to, scales, minima);
        }
    }

    /**
     * Whether there are loops for such numbers: bytes and nibbles, with a fifth bit or without, that share a scale in half precision, the
     * latter also with scales and minima of 6 bits; six bits or three with a byte for each half of a block, and two with scales and minima
     * of 4.
     */
    static boolean covers(Integers n) {
        Planes p = n.planes();
        boolean five = p.extraBits() <= 1 && p.split();
        return switch (n.scales()) {
            case HALVES -> p.offset() == p.middle() && (five || p.bytes());
            case SIX_BITS -> p.offset() == 0 && five;
            case BYTES -> p.offset() == p.middle() && (p.extraBits() == 2 && !p.split() || p.three());
            case FOUR_BITS -> p.offset() == 0 && p.pairs() && !p.three();
        };
    }

    private static long panel(long panel, int block) {
        return panel + (long) block * PAIRS * V;
    }

    /**
     * Four vectors of nibbles.
     *
     * @param offset what is subtracted
     * @param split whether the high halves belong to the second half of the block, or to the next but one four columns
     */
    private static void nibbles(MemorySegment w, long block, MemorySegment to, long panel, short offset, boolean split) {
        for (int j = 0; j < WORDS; j++) {
            ShortVector v = ShortVector.fromMemorySegment(S, w, block + (long) j * LINE, LITTLE_ENDIAN);
            long low = panel + 2L * (split ? j : j + (j & 2)) * V;
            long high = low + 2L * (split ? 4 : 2) * V;
            v.and(NIBBLE).sub(offset).intoMemorySegment(to, low, LITTLE_ENDIAN);
            v.lanewise(VectorOperators.LSHR, 8).and(NIBBLE).sub(offset).intoMemorySegment(to, low + V, LITTLE_ENDIAN);
            v.lanewise(VectorOperators.LSHR, 4).and(NIBBLE).sub(offset).intoMemorySegment(to, high, LITTLE_ENDIAN);
            v.lanewise(VectorOperators.LSHR, 12).sub(offset).intoMemorySegment(to, high + V, LITTLE_ENDIAN);
        }
    }

    /** Two vectors of pairs of bits, and perhaps one of third bits. */
    private static void pairs(MemorySegment w, long block, MemorySegment to, long panel, Planes planes) {
        short offset = (short) planes.offset();
        for (int i = 0; i < PAIRS / 2; i++) {
            ShortVector v = ShortVector.fromMemorySegment(S, w, block + (long) (i / WORDS) * LINE, LITTLE_ENDIAN)
                    .lanewise(VectorOperators.LSHR, i % WORDS * 2);
            ShortVector even = v.and(PAIR);
            ShortVector odd = v.lanewise(VectorOperators.LSHR, Byte.SIZE).and(PAIR);
            if (planes.three()) {
                ShortVector bits = ShortVector.fromMemorySegment(S, w, block + 2 * LINE, LITTLE_ENDIAN).lanewise(VectorOperators.LSHR, i);
                even = even.add(bits.and((short) 1).lanewise(VectorOperators.LSHL, 2));
                odd = odd.add(bits.lanewise(VectorOperators.LSHR, Byte.SIZE).and((short) 1).lanewise(VectorOperators.LSHL, 2));
            }
            even.sub(offset).intoMemorySegment(to, panel + 2L * i * V, LITTLE_ENDIAN);
            odd.sub(offset).intoMemorySegment(to, panel + (2L * i + 1) * V, LITTLE_ENDIAN);
        }
    }

    /** Adds fifth bits. */
    private static void fifth(MemorySegment w, long at, MemorySegment to, long panel) {
        ShortVector bits = ShortVector.fromMemorySegment(S, w, at, LITTLE_ENDIAN);
        for (int i = 0; i < FIFTH.length; i++) {
            long first = panel + 2L * FIFTH[i] * V;
            bits.lanewise(VectorOperators.LSHR, i).and((short) 1).lanewise(VectorOperators.LSHL, 4)
                    .add(ShortVector.fromMemorySegment(S, to, first, LITTLE_ENDIAN)).intoMemorySegment(to, first, LITTLE_ENDIAN);
            bits.lanewise(VectorOperators.LSHR, i + Byte.SIZE).and((short) 1).lanewise(VectorOperators.LSHL, 4)
                    .add(ShortVector.fromMemorySegment(S, to, first + V, LITTLE_ENDIAN)).intoMemorySegment(to, first + V, LITTLE_ENDIAN);
        }
    }

    /** Adds the upper two of six bits, for half a block. */
    private static void upper(MemorySegment w, long at, MemorySegment to, long panel) {
        ShortVector bits = ShortVector.fromMemorySegment(S, w, at, LITTLE_ENDIAN);
        for (int i = 0; i < WORDS; i++) {
            long first = panel + 2L * i * V;
            bits.lanewise(VectorOperators.LSHR, 2 * i).and((short) 3).lanewise(VectorOperators.LSHL, 4)
                    .add(ShortVector.fromMemorySegment(S, to, first, LITTLE_ENDIAN)).intoMemorySegment(to, first, LITTLE_ENDIAN);
            bits.lanewise(VectorOperators.LSHR, 2 * i + Byte.SIZE).and((short) 3).lanewise(VectorOperators.LSHL, 4)
                    .add(ShortVector.fromMemorySegment(S, to, first + V, LITTLE_ENDIAN)).intoMemorySegment(to, first + V, LITTLE_ENDIAN);
        }
    }

    /**
     * Numbers in half precision to floats. Their exponents become a float's, which is all but for those below the least normal number m: as
     * {@code 2 x - m} is less than x below m, and above it nowhere, these are the smaller of both. A multiplication alone would do it too,
     * were it not slow where it takes numbers below a float's least normal one. On the way up infinity becomes one, and so does
     * what is no number.
     */
    static void half(MemorySegment w, long at, MemorySegment to, long out) {
        IntVector h = (IntVector) ShortVector.fromMemorySegment(H, w, at, LITTLE_ENDIAN).convertShape(VectorOperators.S2I, I, 0);
        IntVector n = h.and(0x7fff).lanewise(VectorOperators.LSHL, 13).add(REBIAS);
        FloatVector c = n.reinterpretAsFloats();
        n.min(c.add(c).sub(NORMAL).reinterpretAsInts()).or(h.and(Integer.MIN_VALUE)).reinterpretAsFloats().mul(UP).mul(DOWN)
                .intoMemorySegment(to, out, LITTLE_ENDIAN);
    }

    /** Scales and minima of 6 bits each, times one in half precision each. */
    static void sixBits(MemorySegment w, long unit, int part, MemorySegment to, long scales, long minima) {
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

    /** Signed bytes times floats. */
    static void bytes(MemorySegment w, long unit, int part, MemorySegment to, long scales) {
        FloatVector d = FloatVector.fromMemorySegment(F, w, unit + (long) part * V, LITTLE_ENDIAN);
        for (int i = 0; i < 2 * BLOCKS; i++) {
            IntVector octets = octets(w, unit + LINE + (long) i * ROWS + (long) part * L);
            ((FloatVector) octets.convert(VectorOperators.I2F, 0)).mul(d).intoMemorySegment(to, scales + (long) i * V, LITTLE_ENDIAN);
        }
    }

    /** Scales and minima of 4 bits each, times one in half precision each. */
    static void fourBits(MemorySegment w, long unit, int part, MemorySegment to, long scales, long minima) {
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
