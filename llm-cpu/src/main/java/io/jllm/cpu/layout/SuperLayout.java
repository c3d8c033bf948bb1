package io.jllm.cpu.layout;

import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * Blocks of 256 that hold eight of 32, of four bits or five, with scales and minima of 6 bits. Scales stay as they are stored; nibbles
 * and fifth bits, which the file spreads over the whole block, come together for each 32 columns.
 */
final class SuperLayout extends Layout {
    static final SuperLayout FOUR_BITS = new SuperLayout(false);
    static final SuperLayout FIVE_BITS = new SuperLayout(true);

    private static final int BLOCKS = 8;
    private static final int WORDS = BLOCK / Integer.BYTES;
    private static final int LOW = 0x0f0f0f0f;
    private static final int ONES = 0x01010101;
    /** Bytes before the bits, stored and in a record: two scales, and 12 bytes of scales and minima of blocks. */
    private static final int HEADER = 16;
    private static final int FIFTH_BYTES = BLOCK;
    /** The columns, in fours, whose fifth bits are bits 0 to 7 of a byte. */
    private static final int[] FIFTH = {0, 1, 4, 5, 2, 3, 6, 7};

    private final boolean five;

    private SuperLayout(boolean five) {
        this.five = five;
    }

    /** Where the nibbles of a stored block start. */
    private int nibbles() {
        return HEADER + (five ? FIFTH_BYTES : 0);
    }

    /** Where a block of 32 is in a record. */
    private int block(int b) {
        return HEADER + b * (BLOCK / 2 + (five ? Integer.BYTES : 0));
    }

    @Override
    public List<Integer> halves() {
        return List.of(0, Short.BYTES);
    }

    @Override
    protected void model(byte[] stored, int at, BlockModel to, int column) {
        for (int i = 0; i < BLOCKS * BLOCK; i++) {
            int k = i / BLOCK;
            int nibble = octet(stored, at + nibbles() + k / 2 * 32 + i % 32) >> k % 2 * 4 & 15;
            to.values()[column + i] = five ? nibble | (octet(stored, at + HEADER + i % 32) >> k & 1) << 4 : nibble;
        }
        for (int k = 0; k < BLOCKS; k++) {
            to.scales()[column / BLOCK + k] = number(stored, at) * sixBits(stored, at + 4, k, 0);
            to.minima()[column / BLOCK + k] = number(stored, at + 2) * sixBits(stored, at + 4, k, 4);
        }
    }

    /** Scale (kind 0) or minimum (kind 4) {@code k} of 12 bytes that hold 8 of each. */
    private static int sixBits(byte[] stored, int at, int k, int kind) {
        if (k < 4) {
            return octet(stored, at + kind + k) & 63;
        }
        return octet(stored, at + 4 + k) >> kind & 15 | octet(stored, at + kind + k - 4) >> 6 << 4;
    }

    @Override
    protected void toRecord(byte[] stored, int at, int columns, byte[] record, int start) {
        for (int i = 0; i < HEADER; i += Integer.BYTES) {
            put(record, start + i, word(stored, at + i));
        }
        int nibbles = at + nibbles();
        for (int b = 0; b < BLOCKS; b++) {
            int to = start + block(b);
            int from = nibbles + b / 2 * BLOCK;
            int shift = b % 2 * 4;
            for (int j = 0; j < WORDS / 2; j++) {
                int low = word(stored, from + j * Integer.BYTES) >>> shift & LOW;
                int high = word(stored, from + (j + WORDS / 2) * Integer.BYTES) >>> shift & LOW;
                put(record, to + j * Integer.BYTES, low | high << 4);
            }
            if (five) {
                int bits = 0;
                for (int i = 0; i < FIFTH.length; i++) {
                    bits |= (word(stored, at + HEADER + FIFTH[i] * Integer.BYTES) >>> b & ONES) << i;
                }
                put(record, to + BLOCK / 2, bits);
            }
        }
    }

    @Override
    public void decode(MemorySegment data, long unit, int row, int columns, float[] to, int at) {
        for (int b = 0; b < BLOCKS; b++) {
            decodeBlock(data, unit, row, b, to, at + b * BLOCK);
        }
    }

    private void decodeBlock(MemorySegment data, long unit, int row, int b, float[] to, int at) {
        int shift = b % 4 * Byte.SIZE;
        int scales = word(data, unit, row, 4) >>> shift;
        int minima = word(data, unit, row, 8) >>> shift;
        int rest = word(data, unit, row, 12) >>> shift;
        boolean first = b < BLOCKS / 2;
        float scale = half(data, unit, row, 0) * (first ? scales & 63 : rest & 15 | (scales >>> 6 & 3) << 4);
        float minimum = half(data, unit, row, 2) * (first ? minima & 63 : rest >>> 4 & 15 | (minima >>> 6 & 3) << 4);
        int fifth = five ? word(data, unit, row, block(b) + BLOCK / 2) : 0;
        for (int i = 0; i < FIFTH.length; i++) {
            int four = FIFTH[i];
            int word = word(data, unit, row, block(b) + four % 4 * Integer.BYTES) >>> four / 4 * 4;
            for (int c = 0; c < Integer.BYTES; c++) {
                int q = word >>> c * Byte.SIZE & 15 | (fifth >>> c * Byte.SIZE + i & 1) << 4;
                to[at + four * Integer.BYTES + c] = scale * q - minimum;
            }
        }
    }
}
