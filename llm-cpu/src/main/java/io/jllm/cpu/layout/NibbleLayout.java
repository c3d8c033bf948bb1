package io.jllm.cpu.layout;

import io.jllm.quant.DType;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;

/**
 * Blocks of 32 with a scale, perhaps a minimum m, which is added, perhaps fifth bits, column after column, and nibbles, of which byte j has
 * column j in its low half and column j + 16 in its high one. As minima are subtracted here, it is -m that a unit has.
 */
final class NibbleLayout extends Layout {
    private static final int ONES = 0x01010101;
    private static final int NIBBLE = 15;
    /** Times four bits, and then {@link #ONES} of it, is a bit in each byte. */
    private static final int SPREAD = 0x00204081;
    private static final short SIGN = Short.MIN_VALUE;
    /** The columns, in fours, whose fifth bits are bits 0 to 7 of a byte; by columns, these bits. */
    private static final int[] FIFTH = {0, 1, 4, 5, 2, 3, 6, 7};

    private final DType type;
    private final Planes planes;
    private final Scales scales;
    private final boolean five;

    NibbleLayout(DType type, Planes planes, Scales scales) {
        this.type = type;
        this.planes = planes;
        this.scales = scales;
        five = planes.extraBits() == 1;
    }

    // Places in a stored block: scale, minimum, fifth bits, nibbles.

    private int fifths() {
        return (scales == Scales.POWERS ? 1 : Short.BYTES) + (scales.minima() ? Short.BYTES : 0);
    }

    private int nibbles() {
        return fifths() + (five ? Integer.BYTES : 0);
    }

    /** Where a block of 32 is in a record. */
    private int block(int b) {
        return (scales.headerBytes() + b * planes.blockBytes()) / ROWS;
    }

    @Override
    public List<Integer> halves() {
        return scales == Scales.POWERS ? List.of() : scales.minima() ? List.of(0, Short.BYTES) : List.of(0);
    }

    @Override
    public List<Integer> powers() {
        return scales == Scales.POWERS ? List.of(0) : List.of();
    }

    @Override
    protected void model(byte[] stored, int at, BlockModel to, int column) {
        to.scales()[column / BLOCK] = scales == Scales.POWERS ? power(octet(stored, at)) : number(stored, at);
        if (scales.minima()) {
            to.minima()[column / BLOCK] = -number(stored, at + Short.BYTES);
        }
        int fifths = five ? word(stored, at + fifths()) : 0;
        for (int i = 0; i < BLOCK; i++) {
            int nibble = octet(stored, at + nibbles() + i % 16) >> i / 16 * 4 & NIBBLE;
            to.values()[column + i] = planes.coded() ? planes.book().value(nibble) : (nibble | (fifths >>> i & 1) << 4) - planes.offset();
        }
    }

    /** 2^(e - 128); the two smallest are below the least normal float. */
    private static float power(int e) {
        return Float.intBitsToFloat(e < 2 ? 0x00200000 << e : e - 1 << 23);
    }

    @Override
    protected void toRecord(byte[] stored, int at, int columns, byte[] record, int start) {
        Arrays.fill(record, start, start + block(0), (byte) 0); // a unit may lack blocks
        for (int b = 0; b < columns / BLOCK; b++) {
            int from = at + b * type.blockBytes();
            if (scales == Scales.POWERS) {
                record[start + b] = stored[from];
            } else {
                put(record, start + b * Short.BYTES, half(stored, from));
            }
            if (scales.minima()) {
                put(record, start + Short.BYTES, (short) (half(stored, from + Short.BYTES) ^ SIGN));
            }
            int to = start + block(b);
            for (int i = 0; i < BLOCK / 2; i += Integer.BYTES) {
                put(record, to + i, word(stored, from + nibbles() + i));
            }
            if (five) {
                put(record, to + BLOCK / 2, gathered(word(stored, from + fifths())));
            }
        }
    }

    /** Bits of 32 columns, in order, as {@link Planes} has them. */
    private static int gathered(int bits) {
        int word = 0;
        for (int i = 0; i < FIFTH.length; i++) {
            word |= ((bits >>> FIFTH[i] * Integer.BYTES & NIBBLE) * SPREAD & ONES) << i;
        }
        return word;
    }

    @Override
    public void decode(MemorySegment data, long unit, int row, int columns, float[] to, int at) {
        for (int b = 0; b < columns / BLOCK; b++) {
            float scale = scales == Scales.POWERS ? power(signedByte(data, unit, row, b) & 0xff) : half(data, unit, row, b * Short.BYTES);
            float minimum = scales.minima() ? half(data, unit, row, Short.BYTES) : 0;
            int fifths = five ? word(data, unit, row, block(b) + BLOCK / 2) : 0;
            for (int i = 0; i < BLOCK; i++) {
                int nibble = word(data, unit, row, block(b) + i % 16 / 4 * Integer.BYTES) >>> i % 4 * Byte.SIZE + i / 16 * 4 & NIBBLE;
                int q = nibble | (fifths >>> i % 4 * Byte.SIZE + FIFTH[i / 4] & 1) << 4;
                float value = (planes.coded() ? planes.book().value(nibble) : q - planes.offset()) * scale;
                to[at + b * BLOCK + i] = scales.minima() ? value - minimum : value;
            }
        }
    }
}
