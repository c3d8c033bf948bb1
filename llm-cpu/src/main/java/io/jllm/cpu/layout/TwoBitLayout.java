package io.jllm.cpu.layout;

import java.lang.foreign.MemorySegment;
import java.util.List;

/** Pairs of bits, with a scale and a minimum of 4 bits for each 16. Scales stay as they are stored. */
final class TwoBitLayout extends PairLayout {
    static final TwoBitLayout INSTANCE = new TwoBitLayout();

    // Places in stored blocks.
    private static final int NUMBERS = 16;
    private static final int SCALE = 80;
    private static final int MINIMUM = 82;

    private TwoBitLayout() {
        super(NUMBERS, false, 0);
    }

    @Override
    public List<Integer> halves() {
        return List.of(SCALE, MINIMUM);
    }

    @Override
    float scale(byte[] stored, int at, int group) {
        return number(stored, at + SCALE) * (octet(stored, at + group) & 15);
    }

    @Override
    float minimum(byte[] stored, int at, int group) {
        return number(stored, at + MINIMUM) * (octet(stored, at + group) >> 4);
    }

    @Override
    float scale(MemorySegment data, long unit, int row, int group) {
        return half(data, unit, row, 0) * (signedByte(data, unit, row, HEADER + group) & 15);
    }

    @Override
    float minimum(MemorySegment data, long unit, int row, int group) {
        return half(data, unit, row, Short.BYTES) * (signedByte(data, unit, row, HEADER + group) >> 4 & 15);
    }

    @Override
    void header(byte[] stored, int at, byte[] record, int start) {
        put(record, start, word(stored, at + SCALE));
        System.arraycopy(stored, at, record, start + HEADER, GROUPS);
    }
}
