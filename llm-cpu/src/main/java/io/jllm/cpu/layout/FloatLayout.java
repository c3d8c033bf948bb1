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

    /**
     * Blocks of 64 floats of 8 bits with a scale ({@link io.jllm.quant.DType#F8_64}). A byte with its lower seven bits where a float has these is one
     * 2^120 times smaller than it should be, the smallest ones too; so scales are held 2^120 times as large. A block with a number that is none has
     * none as its scale: its products are none either way.
     */
    static final class Eights extends Layout {
        static final Eights INSTANCE = new Eights();
        /** How much smaller a byte is as a float. */
        private static final float RAISED = 0x1p120f;
        private static final int COLUMNS = 2 * BLOCK;
        private static final int SIGN = 0x80;
        private static final int REST = 0x7f;
        /** Where the lower bits go, and where the sign, in a float. */
        private static final int REST_AT = 20;
        private static final int SIGN_AT = 24;

        private Eights() {
        }

        private static float number(int octet) {
            return Float.intBitsToFloat((octet & SIGN) << SIGN_AT | (octet & REST) << REST_AT);
        }

        private static float scale(byte[] stored, int at) {
            for (int i = at + Float.BYTES; i < at + Float.BYTES + COLUMNS; i++) {
                if ((stored[i] & REST) == REST) {
                    return Float.NaN;
                }
            }
            return RAISED * Float.intBitsToFloat(word(stored, at));
        }

        /** {@inheritDoc} Scales in single precision. */
        @Override
        public List<Integer> halves() {
            return List.of();
        }

        @Override
        public List<Integer> floats() {
            return List.of(0);
        }

        @Override
        protected void model(byte[] stored, int at, BlockModel to, int column) {
            float scale = scale(stored, at);
            for (int i = 0; i < COLUMNS; i++) {
                to.values()[column + i] = number(stored[at + Float.BYTES + i]) * scale;
            }
        }

        @Override
        protected void toRecord(byte[] stored, int at, int columns, byte[] record, int start) {
            put(record, start, Float.floatToRawIntBits(scale(stored, at)));
            System.arraycopy(stored, at + Float.BYTES, record, start + Float.BYTES, columns);
        }

        @Override
        public void decode(MemorySegment data, long unit, int row, int columns, float[] to, int at) {
            float scale = Float.intBitsToFloat(word(data, unit, row, 0));
            for (int c = 0; c < columns; c++) {
                to[at + c] = number(word(data, unit, row, Float.BYTES + c / Integer.BYTES * Integer.BYTES) >> c % Integer.BYTES * Byte.SIZE) * scale;
            }
        }
    }
}
