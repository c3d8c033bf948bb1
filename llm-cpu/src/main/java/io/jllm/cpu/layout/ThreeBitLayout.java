package io.jllm.cpu.layout;

import java.lang.foreign.MemorySegment;
import java.util.List;

/** Three bits, with a scale of 6 bits for each 16, which becomes a signed byte. The scale of all becomes a float. */
final class ThreeBitLayout extends PairLayout {
    static final ThreeBitLayout INSTANCE = new ThreeBitLayout();

    private static final int OFFSET = 4;
    // Places in stored blocks; third bits come first.
    private static final int NUMBERS = 32;
    private static final int SCALES = 96;
    private static final int SCALE = 108;
    /** Bytes with four bits of two scales each; two bits of four scales are in those behind them. */
    private static final int LOW_BYTES = 8;

    private ThreeBitLayout() {
        super(NUMBERS, true, OFFSET);
    }

    /** A scale of 6 bits, less half of their range. */
    private static int sixBits(byte[] stored, int at, int group) {
        int low = octet(stored, at + SCALES + group % 8) >> group / 8 * 4 & 15;
        int high = octet(stored, at + SCALES + LOW_BYTES + group % 4) >> group / 4 * 2 & 3;
        return (low | high << 4) - 32;
    }

    @Override
    public List<Integer> halves() {
        return List.of(SCALE);
    }

    @Override
    float scale(byte[] stored, int at, int group) {
        return number(stored, at + SCALE) * sixBits(stored, at, group);
    }

    @Override
    float minimum(byte[] stored, int at, int group) {
        return 0;
    }

    @Override
    float scale(MemorySegment data, long unit, int row, int group) {
        return Float.intBitsToFloat(word(data, unit, row, 0)) * signedByte(data, unit, row, HEADER + group);
    }

    @Override
    float minimum(MemorySegment data, long unit, int row, int group) {
        return 0;
    }

    @Override
    void header(byte[] stored, int at, byte[] record, int start) {
        put(record, start, Float.floatToRawIntBits(number(stored, at + SCALE)));
        for (int g = 0; g < GROUPS; g++) {
            record[start + HEADER + g] = (byte) sixBits(stored, at, g);
        }
    }
}
