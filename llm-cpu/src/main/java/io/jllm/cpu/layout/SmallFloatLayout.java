package io.jllm.cpu.layout;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;

/**
 * Blocks of 64 with floats of 4 bits, a scale of 8 bits for each 16 of them, and a factor that all blocks of a row have: a unit has it once.
 * Nibbles, which a stored block spreads over 32 columns, come together for each 16.
 */
final class SmallFloatLayout extends Layout {
    static final SmallFloatLayout INSTANCE = new SmallFloatLayout();

    private static final CodeBook BOOK = CodeBook.TWICE_E2M1;
    private static final int SHARED = 16;
    private static final int STORED = 64;
    private static final int STORED_BYTES = 40;
    /** Where the scales of a record start, and where its blocks do. */
    private static final int SCALES = Float.BYTES;
    private static final int BLOCKS = SCALES + 16;
    private static final int LOW = 0x0f0f0f0f;
    /** Of the places in half precision, to those of 8 bits; and by how much they are smaller there, while nibbles are twice what they stand for. */
    private static final int TO_HALF = 7;
    private static final float FACTOR = 256 / 2;
    // Places in stored blocks.
    private static final int SCALES_AT = Float.BYTES;
    private static final int NIBBLES_AT = SCALES_AT + STORED / SHARED;

    private SmallFloatLayout() {
    }

    @Override
    public List<Integer> halves() {
        return List.of();
    }

    @Override
    public List<Integer> factors() {
        return List.of(0);
    }

    private static float scale(int bits) {
        return Float.float16ToFloat((short) ((bits & Byte.MAX_VALUE) << TO_HALF));
    }

    @Override
    protected void model(byte[] stored, int at, BlockModel to, int column) {
        float factor = Float.intBitsToFloat(word(stored, at)) * FACTOR;
        for (int i = 0; i < STORED / SHARED; i++) {
            to.scales()[column / SHARED + i] = scale(octet(stored, at + SCALES_AT + i)) * factor;
        }
        for (int i = 0; i < STORED; i++) {
            to.values()[column + i] = BOOK.value(octet(stored, at + NIBBLES_AT + i / BLOCK * SHARED + i % SHARED) >> i / SHARED % 2 * 4 & 15);
        }
    }

    @Override
    protected void toRecord(byte[] stored, int at, int columns, byte[] record, int start) {
        Arrays.fill(record, start, start + BLOCKS, (byte) 0); // a unit may lack blocks
        put(record, start, Float.floatToRawIntBits(Float.intBitsToFloat(word(stored, at)) * FACTOR));
        for (int s = 0; s < columns / STORED; s++) {
            int from = at + s * STORED_BYTES;
            put(record, start + SCALES + s * Integer.BYTES, word(stored, from + SCALES_AT) & 0x7f7f7f7f);
            for (int b = 0; b < STORED / BLOCK; b++) {
                toBlock(stored, from + NIBBLES_AT + b * SHARED, record, start + BLOCKS + (s * STORED / BLOCK + b) * SHARED);
            }
        }
    }

    /** Of four words with columns c and c + 16, two with columns c and c + 8 for each half. */
    private static void toBlock(byte[] stored, int at, byte[] record, int to) {
        for (int i = 0; i < 2; i++) {
            int first = word(stored, at + i * Integer.BYTES);
            int second = word(stored, at + (i + 2) * Integer.BYTES);
            put(record, to + i * Integer.BYTES, first & LOW | (second & LOW) << 4);
            put(record, to + (i + 2) * Integer.BYTES, first >>> 4 & LOW | second & ~LOW);
        }
    }

    @Override
    public void decode(MemorySegment data, long unit, int row, int columns, float[] to, int at) {
        float factor = Float.intBitsToFloat(word(data, unit, row, 0));
        for (int i = 0; i < columns; i++) {
            int half = i % SHARED;
            int word = word(data, unit, row, BLOCKS + i / SHARED * 8 + half / 4 % 2 * Integer.BYTES);
            float scale = scale(signedByte(data, unit, row, SCALES + i / SHARED)) * factor;
            to[at + i] = BOOK.number(word >>> half % 4 * Byte.SIZE + half / 8 * 4 & 15) * scale;
        }
    }
}
