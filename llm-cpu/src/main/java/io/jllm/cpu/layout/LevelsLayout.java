package io.jllm.cpu.layout;

import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * Blocks of 256 that hold eight of 32, of nibbles that stand for levels, with scales of 6 bits, 32 too large. The scale of all becomes a float,
 * and the others signed bytes; nibbles are as they are stored.
 */
final class LevelsLayout extends Layout {
    static final LevelsLayout INSTANCE = new LevelsLayout();

    private static final CodeBook BOOK = CodeBook.LEVELS;
    private static final int BLOCKS = 8;
    private static final int SCALE_RANGE = 32;
    private static final int NIBBLE = 15;
    // Places in stored blocks: two bits of each scale, four bits, nibbles.
    private static final int UPPER_AT = 2;
    private static final int LOWER_AT = 4;
    private static final int NIBBLES_AT = 8;

    private LevelsLayout() {
    }

    /** Where a block of 32 is in a record. */
    private static int block(int b) {
        return Float.BYTES + BLOCKS + b * BLOCK / 2;
    }

    @Override
    public List<Integer> halves() {
        return List.of(0);
    }

    private static int scale(byte[] stored, int at, int b) {
        int upper = half(stored, at + UPPER_AT) >> 2 * b & 3;
        return (word(stored, at + LOWER_AT) >>> 4 * b & NIBBLE | upper << 4) - SCALE_RANGE;
    }

    @Override
    protected void model(byte[] stored, int at, BlockModel to, int column) {
        for (int b = 0; b < BLOCKS; b++) {
            to.scales()[column / BLOCK + b] = number(stored, at) * scale(stored, at, b);
            for (int i = 0; i < BLOCK; i++) {
                int nibble = octet(stored, at + NIBBLES_AT + b * 16 + i % 16) >> i / 16 * 4 & NIBBLE;
                to.values()[column + b * BLOCK + i] = BOOK.value(nibble);
            }
        }
    }

    @Override
    protected void toRecord(byte[] stored, int at, int columns, byte[] record, int start) {
        put(record, start, Float.floatToRawIntBits(number(stored, at)));
        for (int b = 0; b < BLOCKS; b++) {
            record[start + Float.BYTES + b] = (byte) scale(stored, at, b);
        }
        for (int i = 0; i < BLOCKS * BLOCK / 2; i += Integer.BYTES) {
            put(record, start + block(0) + i, word(stored, at + NIBBLES_AT + i));
        }
    }

    @Override
    public void decode(MemorySegment data, long unit, int row, int columns, float[] to, int at) {
        float d = Float.intBitsToFloat(word(data, unit, row, 0));
        for (int b = 0; b < BLOCKS; b++) {
            float scale = d * signedByte(data, unit, row, Float.BYTES + b);
            for (int i = 0; i < BLOCK; i++) {
                int nibble = word(data, unit, row, block(b) + i % 16 / 4 * Integer.BYTES) >>> i % 4 * Byte.SIZE + i / 16 * 4 & NIBBLE;
                to[at + b * BLOCK + i] = scale * BOOK.value(nibble);
            }
        }
    }
}
