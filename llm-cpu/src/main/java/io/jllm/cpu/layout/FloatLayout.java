package io.jllm.cpu.layout;

import io.jllm.cpu.layout.Numbers.Floats;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;

/** Formats whose values are floats by themselves, as they are stored: columns beyond the last are zeros. */
final class FloatLayout extends Layout {
    private final Floats floats;

    FloatLayout(Floats floats) {
        this.floats = floats;
    }

    @Override
    public List<Integer> halves() {
        return floats == Floats.F16 ? List.of(0) : List.of();
    }

    @Override
    public OptionalInt moves() {
        return OptionalInt.of(0);
    }

    @Override
    protected void model(byte[] stored, int at, BlockModel to, int column) {
        to.values()[column] = switch (floats) {
            case F16 -> number(stored, at);
            case BF16 -> Float.intBitsToFloat(half(stored, at) << Short.SIZE);
            case F32 -> Float.intBitsToFloat(word(stored, at));
        };
    }

    @Override
    protected void toRecord(byte[] stored, int at, int columns, byte[] record, int start) {
        int bytes = columns * floats.bytes();
        System.arraycopy(stored, at, record, start, bytes);
        Arrays.fill(record, start + bytes, start + Math.ceilDiv(columns, BLOCK) * BLOCK * floats.bytes(), (byte) 0);
    }

    @Override
    public void decode(MemorySegment data, long unit, int row, int columns, float[] to, int at) {
        for (int c = 0; c < columns; c++) {
            to[at + c] = switch (floats) {
                case F16 -> half(data, unit, row, c * Short.BYTES);
                case BF16 -> Float.intBitsToFloat(word(data, unit, row, c / 2 * Integer.BYTES) >>> c % 2 * Short.SIZE << Short.SIZE);
                case F32 -> Float.intBitsToFloat(word(data, unit, row, c * Integer.BYTES));
            };
        }
    }
}
