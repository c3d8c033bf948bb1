package io.jllm.cpu.layout;

import io.jllm.quant.DType;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;

/**
 * Blocks of 32, 64 or 128 columns with a scale, in half precision and with a zero behind it, or in single precision and without one. Numbers
 * are as they are stored, each 32 columns by themselves, but that signed bytes become unsigned. Zeros of bytes are lowered as bytes are.
 */
final class GroupLayout extends Layout {
    private static final int NIBBLE = 15;
    private static final int SIGNS = 0x80808080;
    private static final int BYTE_SIGN = 0x80;

    private final DType type;
    private final Planes planes;
    private final Scales scales;
    private final int words;

    GroupLayout(DType type, Planes planes, Scales scales) {
        this.type = type;
        this.planes = planes;
        this.scales = scales;
        words = planes.blockBytes() / WeightFormat.VECTOR;
    }

    /** Bytes of a stored block before its numbers. */
    private int header() {
        return scales.zeros() ? Short.BYTES + 1 : Float.BYTES;
    }

    /** Blocks of 32 in a stored block. */
    private int runs() {
        return type.blockElements() / BLOCK;
    }

    /** Where a block of 32 is in a record. */
    private int block(int b) {
        return scales.headerBytes() / ROWS + b * words * Integer.BYTES;
    }

    @Override
    public List<Integer> halves() {
        return scales.zeros() ? List.of(0) : List.of();
    }

    @Override
    public List<Integer> floats() {
        return scales.zeros() ? List.of() : List.of(0);
    }

    /** {@inheritDoc} Those of bytes are not. */
    @Override
    public List<Integer> zeros() {
        return scales.zeros() && !planes.bytes() ? List.of(Short.BYTES) : List.of();
    }

    /** What a stored zero takes off what the planes stand for. */
    private int zero(byte stored) {
        return planes.bytes() ? (byte) (stored ^ BYTE_SIGN) : stored;
    }

    @Override
    protected void model(byte[] stored, int at, BlockModel to, int column) {
        float scale = scales.zeros() ? number(stored, at) : Float.intBitsToFloat(word(stored, at)) * planes.book().part();
        int zero = scales.zeros() ? zero(stored[at + Short.BYTES]) : 0;
        for (int b = 0; b < runs(); b++) {
            to.scales()[column / BLOCK + b] = scale;
            int first = at + header() + b * words * Integer.BYTES;
            for (int i = 0; i < BLOCK; i++) {
                int raw = raw(planes, k -> word(stored, first + k * Integer.BYTES) ^ flip(), i / Integer.BYTES) >>> i % 4 * Byte.SIZE;
                to.values()[column + b * BLOCK + i] = integer(raw) - zero;
            }
        }
    }

    /** What is stored of signed bytes is another way round. */
    private int flip() {
        return planes.bytes() && !scales.zeros() ? SIGNS : 0;
    }

    /** Words of a block of 32 of a row. */
    private interface Words {
        int get(int k);
    }

    /** The numbers of four columns, a byte each. */
    private static int raw(Planes planes, Words words, int four) {
        if (planes.bytes()) {
            return words.get(four);
        }
        if (!planes.pairs()) {
            return words.get(four % 4) >>> four / 4 * 4 & 0x0f0f0f0f;
        }
        int low = words.get(four / 4) >>> four % 4 * 2 & 0x03030303;
        return planes.three() ? low | (words.get(2) >>> four & 0x01010101) << 2 : low;
    }

    /** What the lowest byte stands for where it meets bytes. */
    private int integer(int raw) {
        return planes.coded() ? planes.book().value(raw & NIBBLE) : (raw & 0xff) - planes.offset();
    }

    @Override
    protected void toRecord(byte[] stored, int at, int columns, byte[] record, int start) {
        Arrays.fill(record, start, start + block(0), (byte) 0); // a unit may lack blocks
        int count = columns / type.blockElements();
        for (int s = 0; s < count; s++) {
            int from = at + s * type.blockBytes();
            if (scales.zeros()) {
                put(record, start + s * Short.BYTES, half(stored, from));
                record[start + scales.zerosAt() / ROWS + s] = (byte) zero(stored[from + Short.BYTES]);
            } else {
                put(record, start, word(stored, from));
            }
            for (int i = 0; i < runs() * words; i++) {
                put(record, start + block(s * runs()) + i * Integer.BYTES, word(stored, from + header() + i * Integer.BYTES) ^ flip());
            }
        }
    }

    @Override
    public void decode(MemorySegment data, long unit, int row, int columns, float[] to, int at) {
        for (int b = 0; b < columns / BLOCK; b++) {
            int shared = b / runs();
            float scale = scales.zeros() ? half(data, unit, row, shared * Short.BYTES) : Float.intBitsToFloat(word(data, unit, row, 0));
            int zero = scales.zeros() ? signedByte(data, unit, row, scales.zerosAt() / ROWS + shared) : 0;
            int block = block(b);
            for (int i = 0; i < BLOCK; i++) {
                int raw = raw(planes, k -> word(data, unit, row, block + k * Integer.BYTES), i / Integer.BYTES) >>> i % 4 * Byte.SIZE;
                float number = planes.coded() ? planes.book().number(raw & NIBBLE) : integer(raw) - zero;
                to[at + b * BLOCK + i] = number * scale;
            }
        }
    }
}
