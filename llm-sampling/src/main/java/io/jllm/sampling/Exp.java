package io.jllm.sampling;

/**
 * The exponential of numbers up to zero. Unlike {@link Math#exp}, which may differ in the last bit between machines, it is the
 * same everywhere, so that a seed gives the same text everywhere; and it is quicker, which counts at one call for each token
 * of a vocabulary.
 *
 * <p>Method: exp(x) = 2^(n/1024) exp(r) with |r| at most ln(2)/2048, a table for the first factor and a Taylor polynomial for the
 * second (Tang, Table-driven implementation of the exponential function, 1989). Relative error below 1e-15.
 */
final class Exp {
    private static final int LOG_STEPS = 10;
    private static final int STEPS = 1 << LOG_STEPS;
    private static final double STEP = StrictMath.log(2) / STEPS;
    private static final double PER_STEP = 1 / STEP;
    /** ln(2)/1024 in two parts; the first has enough zero bits that its product with a step number is exact. */
    private static final double STEP_HIGH = Double.longBitsToDouble(Double.doubleToRawLongBits(STEP) & -(1L << 32));
    /** ln(2) is 0x1.62e42fefa39efp-1 + 0x1.abc9e3b39803fp-56. */
    private static final double STEP_LOW = STEP - STEP_HIGH + 0x1.abc9e3b39803fp-56 / STEPS;
    /** Adding it rounds to a whole number, which stands in the low bits of the sum. */
    private static final double ROUND = 0x1.8p52;
    private static final long[] POWERS = powers();

    private Exp() {
    }

    /** e to the power of x, for x from negative infinity to 0; 0 where the result is below the normal doubles. */
    static double of(double x) {
        if (x < -708) {
            return 0;
        }
        double rounded = x * PER_STEP + ROUND;
        int n = (int) Double.doubleToRawLongBits(rounded);
        double steps = rounded - ROUND;
        double r = x - steps * STEP_HIGH - steps * STEP_LOW;
        double p = r + r * r * (1.0 / 2 + r * (1.0 / 6));
        double power = Double.longBitsToDouble(POWERS[n & (STEPS - 1)] + ((long) (n >> LOG_STEPS) << 52));
        return power + power * p;
    }

    private static long[] powers() {
        var bits = new long[STEPS];
        for (int i = 0; i < STEPS; i++) {
            bits[i] = Double.doubleToRawLongBits(StrictMath.pow(2, (double) i / STEPS));
        }
        return bits;
    }
}
