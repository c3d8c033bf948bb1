package io.jllm.load;

import io.jllm.model.Rope;
import java.util.List;
import java.util.Optional;

/**
 * The ways of stretching rotary frequencies to longer contexts. All arithmetic is in float and in the order in which the transformers
 * library does it ({@code modeling_rope_utils.py}), so that the frequencies are the same to the last bit or the one before.
 */
sealed interface RopeScaling {
    /** The frequencies as they are. */
    record None() implements RopeScaling {
    }

    /** All frequencies divided by {@code factor}. */
    record Linear(double factor) implements RopeScaling {
    }

    /**
     * For texts longer than {@code context} a base that grows with them.
     *
     * @param context the one that the model was trained for
     */
    record Dynamic(double factor, int context) implements RopeScaling {
    }

    /**
     * Llama 3.1's: waves shorter than {@code originalContext / highFreqFactor} positions stay, those longer than
     * {@code originalContext / lowFreqFactor} are stretched by {@code factor}, and between the two it is interpolated.
     */
    record Llama3(double factor, double lowFreqFactor, double highFreqFactor, int originalContext) implements RopeScaling {
    }

    /**
     * Pairs that turn more than {@code betaFast} times within {@code originalContext} positions stay, those that turn less than
     * {@code betaSlow} times are stretched by {@code factor}, and between the two it is interpolated. Source: Peng and others, YaRN, 2023.
     *
     * @param truncate whether the bounds are widened to whole pairs
     * @param attentionFactor multiplies cosine and sine
     */
    record Yarn(double factor, int originalContext, double betaFast, double betaSlow, boolean truncate, double attentionFactor)
            implements RopeScaling {
        /** What the paper makes of a factor: {@code 0.1 m ln(factor) + 1}. */
        static double magnitude(double factor, double m) {
            return factor <= 1 ? 1 : 0.1 * m * Math.log(factor) + 1;
        }
    }

    /**
     * Each frequency divided by a number of its own, by other ones for texts longer than {@code originalContext}. Source: Ding and others,
     * LongRoPE, 2024.
     *
     * @param shortMagnitude multiplies cosine and sine of short texts
     * @param longMagnitude and of long ones
     */
    record LongRope(List<Float> shortFactors, List<Float> longFactors, int originalContext, double shortMagnitude, double longMagnitude)
            implements RopeScaling {
        /** What the makers of Phi-3 take for both magnitudes where nothing is said. */
        static double magnitude(double factor, int originalContext) {
            return factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(originalContext));
        }
    }

    /**
     * The rotation.
     *
     * @param dims dimensions of a head that are turned
     * @param theta base of the frequencies
     * @param magnitude multiplies cosine and sine, beside what the scaling says
     */
    default Rope rope(int dims, double theta, Rope.Layout layout, float magnitude) {
        float[] plain = Rope.frequencies(dims, theta);
        return switch (this) {
            case None _ -> new Rope(dims, layout, plain, magnitude);
            case Linear s -> {
                for (int i = 0; i < plain.length; i++) {
                    plain[i] /= (float) s.factor;
                }
                yield new Rope(dims, layout, plain, magnitude);
            }
            case Dynamic s -> new Rope(dims, layout, plain, magnitude,
                    Optional.of(new Rope.Longer.Dynamic(s.context, dims, theta, s.factor, magnitude)));
            case Llama3 s -> {
                for (int i = 0; i < plain.length; i++) {
                    plain[i] = llama3(plain[i], s);
                }
                yield new Rope(dims, layout, plain, magnitude);
            }
            case Yarn s -> new Rope(dims, layout, yarn(dims, theta, s), (float) (magnitude * s.attentionFactor));
            case LongRope s -> new Rope(dims, layout, divided(dims, theta, s.shortFactors), (float) (magnitude * s.shortMagnitude),
                    Optional.of(new Rope.Longer.Switched(s.originalContext, divided(dims, theta, s.longFactors),
                            (float) (magnitude * s.longMagnitude))));
        };
    }

    private static float llama3(float freq, Llama3 s) {
        float wave = (float) (2 * Math.PI) / freq;
        if (wave > (float) (s.originalContext / s.lowFreqFactor)) {
            return freq / (float) s.factor;
        }
        if (wave < (float) (s.originalContext / s.highFreqFactor)) {
            return freq;
        }
        float smooth = (s.originalContext / wave - (float) s.lowFreqFactor) / (float) (s.highFreqFactor - s.lowFreqFactor);
        return (1 - smooth) * freq / (float) s.factor + smooth * freq;
    }

    private static float[] divided(int dims, double theta, List<Float> factors) {
        var out = new float[dims / 2];
        for (int i = 0; i < out.length; i++) {
            out[i] = 1 / (factors.get(i) * power(theta, i, dims));
        }
        return out;
    }

    private static float[] yarn(int dims, double theta, Yarn s) {
        double low = pairOf(s.betaFast, dims, theta, s.originalContext);
        double high = pairOf(s.betaSlow, dims, theta, s.originalContext);
        if (s.truncate) {
            low = Math.floor(low);
            high = Math.ceil(high);
        }
        low = Math.max(low, 0);
        high = Math.min(high, dims - 1);
        if (low == high) {
            high += 0.001; // as the library keeps from dividing by zero
        }
        var out = new float[dims / 2];
        for (int i = 0; i < out.length; i++) {
            float kept = 1 - Math.clamp((i - (float) low) / (float) (high - low), 0f, 1f);
            float power = power(theta, i, dims);
            out[i] = 1 / ((float) s.factor * power) * (1 - kept) + 1 / power * kept;
        }
        return out;
    }

    /** Which pair turns so many times within a context, as a number with a point. */
    private static double pairOf(double turns, int dims, double theta, int context) {
        return dims * Math.log(context / (turns * 2 * Math.PI)) / (2 * Math.log(theta));
    }

    private static float power(double theta, int pair, int dims) {
        return (float) Math.pow((float) theta, (float) (2 * pair) / dims);
    }
}
