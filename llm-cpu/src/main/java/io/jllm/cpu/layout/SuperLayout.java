package io.jllm.cpu.layout;

import io.jllm.quant.DType;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * Formats with blocks of 256 that hold eight of 32: Q4_K, Q5_K and Q6_K. Their scales stay as they are stored; their nibbles and further
 * bits, which the file spreads over the whole block, come together for each 32 columns.
 */
final class SuperLayout extends Layout {
    static final SuperLayout Q4_K = new SuperLayout(DType.Q4_K, WeightFormat.Q4_K, List.of(new Run(Short.BYTES, 2)));
    static final SuperLayout Q5_K = new SuperLayout(DType.Q5_K, WeightFormat.Q5_K, List.of(new Run(Short.BYTES, 2)));
    static final SuperLayout Q6_K = new SuperLayout(DType.Q6_K, WeightFormat.Q6_K, List.of(new Run(Integer.BYTES, 1), new Run(1, 16)));

    private static final int BLOCKS = 8;
    private static final int WORDS = BLOCK / Integer.BYTES;
    private static final int LOW = 0x0f0f0f0f;
    private static final int ONES = 0x01010101;
    private static final int TWOS = 0x03030303;
    /** Places in stored blocks. */
    private static final int HIGH_BITS_OF_5 = 16;
    private static final int HIGH_BITS_OF_6 = 128;
    private static final int SCALES_OF_6 = 192;
    private static final int SCALE_OF_6 = 208;
    /** The columns, in fours, whose fifth bits are bits 0 to 7 of a byte. */
    private static final int[] FIFTH = {0, 1, 4, 5, 2, 3, 6, 7};

    private SuperLayout(DType type, WeightFormat format, List<Run> header) {
        super(type, format, header, Integer.BYTES);
    }

    private int header() {
        return format().headerBytes() / ROWS;
    }

    private int block(int b) {
        return header() + b * format().blockBytes() / ROWS;
    }

    @Override
    void toRecord(byte[] stored, int at, int columns, byte[] record, int start) {
        if (type() == DType.Q6_K) {
            put(record, start, Float.floatToRawIntBits(Float.float16ToFloat(half(stored, at + SCALE_OF_6))));
            for (int i = 0; i < 16; i += Integer.BYTES) {
                put(record, start + Integer.BYTES + i, word(stored, at + SCALES_OF_6 + i));
            }
            for (int b = 0; b < BLOCKS; b++) {
                sixBits(stored, at, b, record, start + block(b));
            }
            return;
        }
        for (int i = 0; i < header(); i += Integer.BYTES) {
            put(record, start + i, word(stored, at + i));
        }
        int nibbles = at + type().blockBytes() - BLOCKS * BLOCK / 2;
        for (int b = 0; b < BLOCKS; b++) {
            int to = start + block(b);
            int from = nibbles + b / 2 * BLOCK;
            int shift = b % 2 * 4;
            for (int j = 0; j < WORDS / 2; j++) {
                int low = word(stored, from + j * Integer.BYTES) >>> shift & LOW;
                int high = word(stored, from + (j + WORDS / 2) * Integer.BYTES) >>> shift & LOW;
                put(record, to + j * Integer.BYTES, low | high << 4);
            }
            if (type() == DType.Q5_K) {
                int bits = 0;
                for (int i = 0; i < FIFTH.length; i++) {
                    bits |= (word(stored, at + HIGH_BITS_OF_5 + FIFTH[i] * Integer.BYTES) >>> b & ONES) << i;
                }
                put(record, to + BLOCK / 2, bits);
            }
        }
    }

    private static void sixBits(byte[] stored, int at, int b, byte[] record, int to) {
        int run = b % 4;
        int nibbles = at + b / 4 * 64 + run % 2 * BLOCK;
        int pairs = at + HIGH_BITS_OF_6 + b / 4 * BLOCK;
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
            if (type() == DType.Q6_K) {
                decodeSix(data, unit, row, b, to, at + b * BLOCK);
            } else {
                decodeWithMinimum(data, unit, row, b, to, at + b * BLOCK);
            }
        }
    }

    private void decodeSix(MemorySegment data, long unit, int row, int b, float[] to, int at) {
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

    private void decodeWithMinimum(MemorySegment data, long unit, int row, int b, float[] to, int at) {
        int shift = b % 4 * Byte.SIZE;
        int scales = word(data, unit, row, 4) >>> shift;
        int minima = word(data, unit, row, 8) >>> shift;
        int rest = word(data, unit, row, 12) >>> shift;
        boolean first = b < BLOCKS / 2;
        float scale = half(data, unit, row, 0) * (first ? scales & 63 : rest & 15 | (scales >>> 6 & 3) << 4);
        float minimum = half(data, unit, row, 2) * (first ? minima & 63 : rest >>> 4 & 15 | (minima >>> 6 & 3) << 4);
        int fifth = type() == DType.Q5_K ? word(data, unit, row, block(b) + BLOCK / 2) : 0;
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
