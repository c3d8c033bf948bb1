package io.jllm.load;

/**
 * Rotary frequencies and the ways of stretching them to longer contexts. All arithmetic is in float and in the order in which
 * the transformers library does it ({@code modeling_rope_utils.py}), so that the frequencies are the same to the last bit or the
 * one before.
 */
sealed interface RopeScaling {
    /** The frequencies as they are. */
    record None() implements RopeScaling {
    }

    /** All frequencies divided by {@code factor}. */
    record Linear(double factor) implements RopeScaling {
    }

    /**
     * Llama 3.1's: waves shorter than {@code originalContext / highFreqFactor} positions stay, those longer than
     * {@code originalContext / lowFreqFactor} are stretched by {@code factor}, and between the two it is interpolated.
     */
    record Llama3(double factor, double lowFreqFactor, double highFreqFactor, int originalContext) implements RopeScaling {
    }

    /** The scaled frequencies. */
    default float[] apply(float[] freq) {
        var out = freq.clone();
        for (int i = 0; i < out.length; i++) {
            out[i] = switch (this) {
                case None _ -> freq[i];
                case Linear s -> freq[i] / (float) s.factor;
                case Llama3 s -> llama3(freq[i], s);
            };
        }
        return out;
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
}
