package io.jllm.cpu.layout;

import io.jllm.quant.DType;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** Formats with blocks of 32 and a scale: Q4_0 and Q8_0. Bytes are as they are stored, but that bytes of Q8_0 become unsigned. */
final class SimpleLayout extends Layout {
    static final SimpleLayout Q4_0 = new SimpleLayout(DType.Q4_0, WeightFormat.Q4_0, 0, 4);
    static final SimpleLayout Q8_0 = new SimpleLayout(DType.Q8_0, WeightFormat.Q8_0, 0x80808080, 8);

    private static final int HEADER = 2 * Short.BYTES;
    private final int flip;
    private final int words;

    private SimpleLayout(DType type, WeightFormat format, int flip, int words) {
        super(type, format, List.of(new Run(Short.BYTES, 2)), Integer.BYTES);
        this.flip = flip;
        this.words = words;
    }

    @Override
    void toRecord(byte[] stored, int at, int columns, byte[] record, int start) {
        for (int b = 0; b < columns / BLOCK; b++) {
            int block = at + b * type().blockBytes();
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
                        to[first + i] = ((value & 15) - 8) * d;
                        to[first + BLOCK / 2 + i] = ((value >> 4 & 15) - 8) * d;
                    } else {
                        to[first + i] = (byte) value * d;
                    }
                }
            }
        }
    }
}
