package io.jllm.cpu.layout;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.OptionalInt;

/**
 * Blocks of 32 with a scale: nibbles, of which byte j has value j in its low half and value j + 16 in its high one, with 8 added or as places in
 * a table, or signed bytes. Bytes are as they are stored, but that signed ones become unsigned.
 */
final class SimpleLayout extends Layout {
    static final SimpleLayout NIBBLES = new SimpleLayout(0, 4, CodeBook.NONE);
    static final SimpleLayout LEVELS = new SimpleLayout(0, 4, CodeBook.LEVELS);
    static final SimpleLayout BYTES = new SimpleLayout(0x80808080, 8, CodeBook.NONE);

    private static final int HEADER = 2 * Short.BYTES;
    private final int flip;
    private final int words;
    private final CodeBook book;

    private SimpleLayout(int flip, int words, CodeBook book) {
        this.flip = flip;
        this.words = words;
        this.book = book;
    }

    private int storedBytes() {
        return Short.BYTES + words * Integer.BYTES;
    }

    @Override
    public List<Integer> halves() {
        return List.of(0);
    }

    @Override
    public OptionalInt moves() {
        return OptionalInt.of(flip);
    }

    @Override
    protected void model(byte[] stored, int at, BlockModel to, int column) {
        to.scales()[column / BLOCK] = number(stored, at);
        for (int i = 0; i < BLOCK; i++) {
            to.values()[column + i] = flip == 0 ? nibble(octet(stored, at + 2 + i % 16) >> i / 16 * 4) : (byte) octet(stored, at + 2 + i);
        }
    }

    /** What the lowest four bits stand for. */
    private int nibble(int bits) {
        return book == CodeBook.NONE ? (bits & 15) - 8 : book.value(bits & 15);
    }

    @Override
    protected void toRecord(byte[] stored, int at, int columns, byte[] record, int start) {
        for (int b = 0; b < columns / BLOCK; b++) {
            int block = at + b * storedBytes();
            put(record, start + b * Short.BYTES, half(stored, block));
            int to = start + HEADER + b * words * Integer.BYTES;
            for (int j = 0; j < words; j++) {
                put(record, to + j * Integer.BYTES, word(stored, block + Short.BYTES + j * Integer.BYTES) ^ flip);
            }
        }
        if (columns == BLOCK) {
            put(record, start + Short.BYTES, (short) 0); // the place of a partner's scale
        }
    }

    @Override
    public void decode(MemorySegment data, long unit, int row, int columns, float[] to, int at) {
        for (int b = 0; b < columns / BLOCK; b++) {
            float d = half(data, unit, row, b * Short.BYTES);
            for (int j = 0; j < words; j++) {
                int word = word(data, unit, row, HEADER + (b * words + j) * Integer.BYTES) ^ flip;
                int first = at + b * BLOCK + j * Integer.BYTES;
                for (int i = 0; i < Integer.BYTES; i++) {
                    int value = word >> i * Byte.SIZE;
                    if (flip == 0) {
                        to[first + i] = nibble(value) * d;
                        to[first + BLOCK / 2 + i] = nibble(value >> 4) * d;
                    } else {
                        to[first + i] = (byte) value * d;
                    }
                }
            }
        }
    }
}
