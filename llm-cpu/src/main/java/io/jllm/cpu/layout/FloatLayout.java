package io.jllm.cpu.layout;

import io.jllm.quant.DType;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;

/** Formats whose values are floats by themselves: columns beyond the last are zeros. */
final class FloatLayout extends Layout {
    static final FloatLayout F16 = new FloatLayout(DType.F16, WeightFormat.F16, Short.BYTES);
    static final FloatLayout BF16 = new FloatLayout(DType.BF16, WeightFormat.BF16, Integer.BYTES);
    static final FloatLayout F32 = new FloatLayout(DType.F32, WeightFormat.F32, Integer.BYTES);

    private FloatLayout(DType type, WeightFormat format, int size) {
        super(type, format, List.of(), size);
    }

    @Override
    void toRecord(byte[] stored, int at, int columns, byte[] record, int start) {
        int bytes = columns * type().blockBytes();
        System.arraycopy(stored, at, record, start, bytes);
        Arrays.fill(record, start + bytes, start + BLOCK * type().blockBytes(), (byte) 0);
    }

    @Override
    public void decode(MemorySegment data, long unit, int row, int columns, float[] to, int at) {
        for (int c = 0; c < columns; c++) {
            to[at + c] = switch (format()) {
                case F16 -> half(data, unit, row, c * Short.BYTES);
                case BF16 -> Float.intBitsToFloat(word(data, unit, row, c / 2 * Integer.BYTES) >>> c % 2 * Short.SIZE << Short.SIZE);
                default -> Float.intBitsToFloat(word(data, unit, row, c * Integer.BYTES));
            };
        }
    }
}
