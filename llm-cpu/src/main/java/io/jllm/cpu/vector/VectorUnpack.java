package io.jllm.cpu.vector;

import static io.jllm.cpu.vector.VectorKernels.F;
import static io.jllm.cpu.vector.VectorKernels.L;
import static java.nio.ByteOrder.LITTLE_ENDIAN;

import io.jllm.cpu.layout.CodeBook;
import io.jllm.cpu.layout.Numbers.Integers;
import io.jllm.cpu.layout.Planes;
import io.jllm.cpu.layout.Scales;
import io.jllm.cpu.layout.WeightFormat;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
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
    private static final int WORDS = 4;
    private static final short NIBBLE = 15;
    private static final short PAIR = 3;
    /** The columns, in fours, whose fifth bits are bits 0 to 7 of a byte. */
    private static final int[] FIFTH = {0, 1, 4, 5, 2, 3, 6, 7};

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
     * @param minima receives a vector for each minimum, where there are any
     */
    static void unpack(WeightFormat format, Planes planes, Scales kind, MemorySegment w, long unit, int part, int blocks, MemorySegment to,
                       long panel, long scales, long minima) {
        for (int b = 0; b < blocks; b++) {
            long block = unit + format.blockAt(b) + (long) part * V;
            if (planes.pairs()) {
                pairs(w, block, to, panel(panel, b), lowered(planes), planes.three());
            } else {
                nibbles(w, block, to, panel(panel, b), planes.coded() ? 0 : lowered(planes), planes.split());
                if (planes.coded()) {
                    smallFloats(to, panel(panel, b));
                }
            }
            if (planes.extraBits() == 1) {
                fifth(w, block + WORDS * LINE, to, panel(panel, b));
            } else if (planes.extraBits() == 2) {
                upper(w, block + WORDS * LINE, to, panel(panel, b));
                upper(w, block + (WORDS + 1) * LINE, to, panel(panel, b) + PAIRS / 2 * V);
            }
        }
        VectorScales.unpack(format, kind, w, unit, 0, part, blocks, to, scales, minima);
    }

    /**
     * Whether there are loops for such numbers: nibbles, with a fifth bit or without, or as places in a table, with any scales of a block; the
     * first two with minima as well; bytes with scales in half precision; six bits or three with a byte for each half of a block; two with
     * scales and minima of 4; small floats with small floats; and all but six bits with zeros.
     */
    static boolean covers(Integers n) {
        Planes p = n.planes();
        boolean five = !p.pairs() && p.extraBits() <= 1 && p.split();
        if (p.coded()) {
            return fits(n) ? p.book() == CodeBook.TWICE_E2M1 && !p.split() : p.split() && n.scales().each() == 1 && !n.scales().minima();
        }
        return switch (n.scales()) {
            case HALVES -> p.offset() == p.middle() && (five || p.bytes());
            case BLOCK_BYTES, POWERS -> p.offset() == p.middle() && five;
            case SIX_BITS, HALVES_AND_MINIMA -> p.offset() == 0 && five;
            case BYTES -> p.offset() == p.middle() && (p.extraBits() == 2 && !p.split() || p.three());
            case FOUR_BITS -> p.offset() == 0 && p.pairs() && !p.three();
            case ZEROS_OF_ONE, ZEROS_OF_TWO, ZEROS_OF_FOUR -> p.bytes() || p.offset() == 0 && (p.pairs() || five);
            case FLOATS -> p.bytes();
            case SMALL_FLOATS -> false; // have a table
        };
    }

    /** Whether sums of products with them fit 16 bits: those of whole bytes do not, nor those of tables but of that of small floats. */
    static boolean fits(Integers n) {
        return !n.planes().bytes() && (!n.planes().coded() || n.scales() == Scales.SMALL_FLOATS);
    }

    /** What is subtracted from integers. */
    static short lowered(Planes planes) {
        return (short) (planes.pairs() || planes.coded() ? planes.offset() : planes.middle());
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

    /** Places in {@link CodeBook#TWICE_E2M1} to what stands there: of the lower three bits the first two, or from 4 on 2 or 3 times 2 or 4. */
    private static void smallFloats(MemorySegment m, long panel) {
        for (int i = 0; i < PAIRS; i++) {
            ShortVector n = ShortVector.fromMemorySegment(S, m, panel + (long) i * V, LITTLE_ENDIAN);
            ShortVector small = n.and((short) 3);
            ShortVector large = n.and((short) 1).add((short) 2).mul(n.and((short) 2).add((short) 2));
            ShortVector upper = n.lanewise(VectorOperators.LSHR, 2).and((short) 1);
            ShortVector sign = n.lanewise(VectorOperators.LSHL, 12).lanewise(VectorOperators.ASHR, 15);
            small.add(upper.mul(large.sub(small))).lanewise(VectorOperators.XOR, sign).sub(sign).intoMemorySegment(m, panel + (long) i * V,
                    LITTLE_ENDIAN);
        }
    }

    /** Two vectors of pairs of bits, and perhaps one of third bits. */
    private static void pairs(MemorySegment w, long block, MemorySegment to, long panel, short offset, boolean three) {
        for (int i = 0; i < PAIRS / 2; i++) {
            ShortVector v = ShortVector.fromMemorySegment(S, w, block + (long) (i / WORDS) * LINE, LITTLE_ENDIAN)
                    .lanewise(VectorOperators.LSHR, i % WORDS * 2);
            ShortVector even = v.and(PAIR);
            ShortVector odd = v.lanewise(VectorOperators.LSHR, Byte.SIZE).and(PAIR);
            if (three) {
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
}
