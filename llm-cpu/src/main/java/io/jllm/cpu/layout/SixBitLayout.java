package io.jllm.cpu.layout;

import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * Blocks of 256 with 6 bits a value and a signed byte of scale for each 16. The scale of all becomes a float; nibbles and upper bits,
 * which the file spreads over half of the block, come together for each 32 columns.
 */
final class SixBitLayout extends Layout {
    static final SixBitLayout INSTANCE = new SixBitLayout();

    private static final int BLOCKS = 8;
    private static final int SCALES = 16;
    private static final int LOW = 0x0f0f0f0f;
    private static final int TWOS = 0x03030303;
    // Places in stored blocks.
    private static final int UPPER_AT = 128;
    private static final int SCALES_AT = 192;
    private static final int SCALE_AT = 208;

    private SixBitLayout() {
    }

    /** Where a block of 32 is in a record. */
    private static int block(int b) {
        return Float.BYTES + SCALES + b * (BLOCK / 2 + 2 * Integer.BYTES);
    }

    @Override
    public List<Integer> halves() {
        return List.of(SCALE_AT);
    }

    @Override
    protected void model(byte[] stored, int at, BlockModel to, int column) {
        for (int i = 0; i < BLOCKS * BLOCK; i++) {
            int run = i % 128 / 32;
            int nibble = octet(stored, at + i / 128 * 64 + run % 2 * 32 + i % 32) >> run / 2 * 4 & 15;
            int top = octet(stored, at + UPPER_AT + i / 128 * 32 + i % 32) >> run * 2 & 3;
            to.values()[column + i] = (nibble | top << 4) - 32;
        }
        for (int k = 0; k < SCALES; k++) {
            to.scales()[column / SCALES + k] = number(stored, at + SCALE_AT) * (byte) octet(stored, at + SCALES_AT + k);
        }
    }

    @Override
    protected void toRecord(byte[] stored, int at, int columns, byte[] record, int start) {
        put(record, start, Float.floatToRawIntBits(number(stored, at + SCALE_AT)));
        for (int i = 0; i < SCALES; i += Integer.BYTES) {
            put(record, start + Integer.BYTES + i, word(stored, at + SCALES_AT + i));
        }
        for (int b = 0; b < BLOCKS; b++) {
            blockToRecord(stored, at, b, record, start + block(b));
        }
    }

    private static void blockToRecord(byte[] stored, int at, int b, byte[] record, int to) {
        int run = b % 4;
        int nibbles = at + b / 4 * 64 + run % 2 * BLOCK;
        int pairs = at + UPPER_AT + b / 4 * BLOCK;
        for (int half = 0; half < 2; half++) {
            int bits = 0;
            for (int k = 0; k < 2; k++) {
                int j = half * 4 + k;
                int first = word(stored, nibbles + j * Integer.BYTES) >>> run / 2 * 4 & LOW;
                int second = word(stored, nibbles + (j + 2) * Integer.BYTES) >>> run / 2 * 4 & LOW;
                put(record, to + (half * 2 + k) * Integer.BYTES, first | second << 4);
                bits |= (word(stored, pairs + j * Integer.BYTES) >>> run * 2 & TWOS) << 2 * k;
                bits |= (word(stored, pairs + (j + 2) * Integer.BYTES) >>> run * 2 & TWOS) << 2 * k + 4;
            }
            put(record, to + BLOCK / 2 + half * Integer.BYTES, bits);
        }
    }

    @Override
    public void decode(MemorySegment data, long unit, int row, int columns, float[] to, int at) {
        for (int b = 0; b < BLOCKS; b++) {
            decodeBlock(data, unit, row, b, to, at + b * BLOCK);
        }
    }

    private static void decodeBlock(MemorySegment data, long unit, int row, int b, float[] to, int at) {
        float d = Float.intBitsToFloat(word(data, unit, row, 0));
        for (int half = 0; half < 2; half++) {
            float scale = d * signedByte(data, unit, row, Integer.BYTES + 2 * b + half);
            int bits = word(data, unit, row, block(b) + BLOCK / 2 + half * Integer.BYTES);
            for (int i = 0; i < BLOCK / 2; i++) {
                int word = word(data, unit, row, block(b) + (half * 2 + i / 4 % 2) * Integer.BYTES);
                int shift = i % 4 * Byte.SIZE;
                int q = word >>> shift + i / 8 * 4 & 15 | (bits >>> shift + i / 4 * 2 & 3) << 4;
                to[at + half * BLOCK / 2 + i] = scale * (q - 32);
            }
        }
    }
}
