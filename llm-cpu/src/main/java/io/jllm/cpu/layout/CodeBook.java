package io.jllm.cpu.layout;

import io.jllm.quant.Codec;
import io.jllm.quant.DType;

/**
 * What nibbles stand for where they are numbers in a table: 16 signed bytes, each of some parts. Values are those of the formats' codecs, but for
 * tables of floats: where these meet activations of 8 bits, they are rounded to whole parts, as many as leave the least error; floats
 * that are made of them are not.
 */
public enum CodeBook {
    /** No table: nibbles are the numbers. */
    NONE(1),
    /** The levels of IQ4_NL and IQ4_XS, closer to each other near zero. Source: ggml. */
    LEVELS(1, -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113),
    /** Twice the floats of 4 bits E2M1. Source: Open Compute Project, Microscaling Formats 1.0, 2023. */
    TWICE_E2M1(1, 0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12),
    /** NF4, in 112 parts: off by 0.0017 of the scale in the mean of squares, where its values are 0.08 or more apart. */
    NF4(112, Codec.of(DType.NF4).orElseThrow()),
    /** FP4, in 120 parts: the two values next to zero are 1/120 instead of 1/192 of the scale, all others exact. */
    FP4(120, Codec.of(DType.FP4).orElseThrow());

    private final int parts;
    private final int[] values;
    private final float[] floats;

    CodeBook(int parts, int... values) {
        this.parts = parts;
        this.values = values;
        floats = new float[0];
    }

    /** A table of floats, that of a codec. */
    CodeBook(int parts, Codec codec) {
        this.parts = parts;
        floats = codec.table();
        values = new int[floats.length];
        for (int i = 0; i < values.length; i++) {
            values[i] = Math.round(floats[i] * parts);
        }
    }

    /** What a nibble stands for where floats are made of it, times a scale. */
    public float number(int nibble) {
        return floats.length == 0 ? value(nibble) : floats[nibble];
    }

    /** Whether floats that are made of it are other numbers than the bytes. */
    public boolean rounded() {
        return floats.length > 0;
    }

    /** A part, as which a byte counts. */
    public float part() {
        return 1f / parts;
    }

    /** What a nibble stands for where it meets bytes. */
    public int value(int nibble) {
        return this == NONE ? nibble : values[nibble];
    }

    /** Whether the values take all 8 bits of a byte. */
    boolean eightBits() {
        return this == LEVELS || rounded();
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
