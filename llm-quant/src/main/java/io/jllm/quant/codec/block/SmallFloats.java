package io.jllm.quant.codec.block;

/** Floats of 4 bits with two bits of exponent and one of mantissa (E2M1). Source: Open Compute Project, Microscaling Formats 1.0, 2023. */
public final class SmallFloats {
    /** How many there are; the upper half are those with a sign. */
    public static final int COUNT = 16;
    private static final float[] TWICE = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

    private SmallFloats() {
    }

    /** Twice what the lowest four bits stand for, which is a whole number; scales are half in turn. */
    public static float twice(int bits) {
        return TWICE[bits & COUNT - 1];
    }
}
