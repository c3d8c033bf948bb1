package io.jllm.cpu.layout;

import java.lang.foreign.MemorySegment;

/**
 * Blocks of 256 with pairs of bits, and perhaps a third bit, and a scale for each 16 values. Pairs, which the file spreads over half of the
 * block, and third bits, which it spreads over all of it, come together for each 32 columns. What is before them in a record is of the same
 * size for all: scales of the block, and a byte for each 16 values.
 */
abstract sealed class PairLayout extends Layout permits TwoBitLayout, ThreeBitLayout {
    /** Groups of 16 values. */
    static final int GROUPS = 16;
    /** Bytes of a record before the groups' own. */
    static final int HEADER = Integer.BYTES;

    private static final int BLOCKS = 8;
    private static final int HALF = BLOCK / 2;
    private static final int FOURS = HALF / Integer.BYTES;
    private static final int PAIRS = 0x03030303;
    private static final int ONES = 0x01010101;
    private static final int THIRDS = 2 * Integer.BYTES;

    private final int numbers;
    private final boolean three;
    private final int offset;

    /**
     * Numbers of a format.
     *
     * @param numbers where the pairs of a stored block start
     * @param three whether it starts with third bits
     * @param offset what is subtracted
     */
    PairLayout(int numbers, boolean three, int offset) {
        this.numbers = numbers;
        this.three = three;
        this.offset = offset;
    }

    /** The scale of a group of a stored block. */
    abstract float scale(byte[] stored, int at, int group);

    /** What is subtracted from each value of that group. */
    abstract float minimum(byte[] stored, int at, int group);

    /** The scale of a group of a row. */
    abstract float scale(MemorySegment data, long unit, int row, int group);

    /** What is subtracted from each value of that group. */
    abstract float minimum(MemorySegment data, long unit, int row, int group);

    /** Writes what a record has before the numbers. */
    abstract void header(byte[] stored, int at, byte[] record, int start);

    /** Where a block of 32 is in a record. */
    private int block(int b) {
        return HEADER + GROUPS + b * (three ? THIRDS + Integer.BYTES : THIRDS);
    }

    @Override
    protected void model(byte[] stored, int at, BlockModel to, int column) {
        for (int i = 0; i < BLOCKS * BLOCK; i++) {
            int run = i / BLOCK;
            int pair = octet(stored, at + numbers + run / 4 * BLOCK + i % BLOCK) >> run % 4 * 2 & 3;
            int third = three ? octet(stored, at + i % BLOCK) >> run & 1 : 0;
            to.values()[column + i] = (pair | third << 2) - offset;
        }
        for (int g = 0; g < GROUPS; g++) {
            to.scales()[column / HALF + g] = scale(stored, at, g);
            if (to.minima().length > 0) {
                to.minima()[column / HALF + g] = minimum(stored, at, g);
            }
        }
    }

    @Override
    protected void toRecord(byte[] stored, int at, int columns, byte[] record, int start) {
        header(stored, at, record, start);
        for (int b = 0; b < BLOCKS; b++) {
            int to = start + block(b);
            int from = at + numbers + b / 4 * BLOCK;
            for (int half = 0; half < 2; half++) {
                int bits = 0;
                for (int k = 0; k < FOURS; k++) {
                    bits |= (word(stored, from + half * HALF + k * Integer.BYTES) >>> b % 4 * 2 & PAIRS) << 2 * k;
                }
                put(record, to + half * Integer.BYTES, bits);
            }
            if (three) {
                int bits = 0;
                for (int k = 0; k < 2 * FOURS; k++) {
                    bits |= (word(stored, at + k * Integer.BYTES) >>> b & ONES) << k;
                }
                put(record, to + THIRDS, bits);
            }
        }
    }

    @Override
    public void decode(MemorySegment data, long unit, int row, int columns, float[] to, int at) {
        for (int g = 0; g < GROUPS; g++) {
            int block = block(g / 2);
            int pairs = word(data, unit, row, block + g % 2 * Integer.BYTES);
            int thirds = three ? word(data, unit, row, block + THIRDS) >>> g % 2 * FOURS : 0;
            float scale = scale(data, unit, row, g);
            float minimum = minimum(data, unit, row, g);
            for (int i = 0; i < HALF; i++) {
                int k = i / Integer.BYTES;
                int first = i % Integer.BYTES * Byte.SIZE;
                int q = pairs >>> first + 2 * k & 3 | (thirds >>> first + k & 1) << 2;
                to[at + g * HALF + i] = scale * (q - offset) - minimum;
            }
        }
    }
}
