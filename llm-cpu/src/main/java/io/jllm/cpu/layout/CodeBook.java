package io.jllm.cpu.layout;

/** What nibbles stand for where they are numbers in a table: 16 signed bytes. Values are those of the formats' codecs. */
public enum CodeBook {
    /** No table: nibbles are the numbers. */
    NONE,
    /** The levels of IQ4_NL and IQ4_XS, closer to each other near zero. Source: ggml. */
    LEVELS(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113),
    /** Twice the floats of 4 bits E2M1. Source: Open Compute Project, Microscaling Formats 1.0, 2023. */
    TWICE_E2M1(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12);

    private final int[] values;

    CodeBook(int... values) {
        this.values = values;
    }

    /** What a nibble stands for. */
    public int value(int nibble) {
        return this == NONE ? nibble : values[nibble];
    }

    /** Whether the values take all 8 bits of a byte. */
    boolean eightBits() {
        return this == LEVELS;
    }

    /**
     * The values, each with a number added, as bytes.
     *
     * @return 16 bytes; none if there is no table
     */
    public byte[] bytes(int added) {
        var bytes = new byte[values.length];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) (values[i] + added);
        }
        return bytes;
    }
}
