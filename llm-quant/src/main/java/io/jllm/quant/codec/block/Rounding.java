package io.jllm.quant.codec.block;

/** To the nearest integer, halves to the even one, as {@link Math#rint(double)} does, faster. */
public final class Rounding {
    /** Where floats are integers, and an even and an odd one follow each other. */
    private static final float INTEGERS = 12582912f;

    private Rounding() {
    }

    /** The nearest integer to a value of magnitude below 2 to the 22nd; larger values come out nearly as they are. */
    public static float even(float x) {
        return x + INTEGERS - INTEGERS;
    }

    /** The nearest integer within a range; 0 for no number. */
    public static int clamped(float x, int least, int greatest) {
        return (int) Math.max(least, Math.min(greatest, even(x)));
    }
}
