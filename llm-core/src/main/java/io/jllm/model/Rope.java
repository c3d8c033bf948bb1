package io.jllm.model;

import java.util.Arrays;
import java.util.Objects;
import java.util.Optional;

/**
 * Rotary position embedding, computed once at load, scaling included. Dimension pair i of a head is turned by
 * {@code position * invFreq[i]}, computed in float as Hugging Face does.
 * Source: Su et al., RoFormer, 2021.
 *
 * <p>Two are equal if they rotate equally: a model may have several, and whoever keeps something for each keeps it once.
 *
 * @param rotaryDim how many leading dimensions of a head are turned; even, at most the head's
 * @param layout which two dimensions form pair i
 * @param invFreq angle a position for each pair, in radians; {@code rotaryDim / 2} of them. Not to be changed
 * @param attentionFactor multiplies cosine and sine (1 for all but some long-context scalings)
 * @param longer how long texts are rotated, if otherwise
 */
public record Rope(int rotaryDim, Layout layout, float[] invFreq, float attentionFactor, Optional<Longer> longer) {
    /** Which two dimensions of a head form a pair. */
    public enum Layout {
        /** Dimensions i and i + rotaryDim/2, as in Hugging Face files and most GGUF families. */
        NEOX,
        /** Dimensions 2i and 2i + 1, as in GGUF files of the llama family, whose q and k rows are permuted for it. */
        INTERLEAVED
    }

    /**
     * How texts are rotated that are longer than some number of positions: all their positions, the first ones too. The length that counts
     * stands in {@link io.jllm.spi.StepBatch#ropeLength}. The engine takes the length of the prompt. A text that grows past the border of a
     * {@link Switched} rotation while it is generated is computed anew, as the transformers library does without a cache; under a
     * {@link Dynamic} one it stays with the length that it began with, as it does with one.
     */
    public sealed interface Longer {
        /** Texts of more positions than this. */
        int above();

        /** Frequencies for a text of so many positions. */
        float[] invFreq(int length);

        /** The attention factor for it. */
        float attentionFactor();

        /** Other frequencies, the same for all such texts (longrope). Source: Ding and others, LongRoPE, 2024. */
        record Switched(int above, float[] frequencies, float attentionFactor) implements Longer {
            @Override
            public float[] invFreq(int length) {
                return frequencies;
            }

            @Override
            public boolean equals(Object o) {
                return o instanceof Switched s && above == s.above && Arrays.equals(frequencies, s.frequencies)
                        && Float.compare(attentionFactor, s.attentionFactor) == 0;
            }

            @Override
            public int hashCode() {
                return Objects.hash(above, Arrays.hashCode(frequencies), attentionFactor);
            }
        }

        /**
         * Frequencies of a base that grows with the text (dynamic NTK): {@code base * (factor * length / above - (factor - 1)) ^ (dim / (dim - 2))}.
         */
        record Dynamic(int above, int dim, double base, double factor, float attentionFactor) implements Longer {
            @Override
            public float[] invFreq(int length) {
                double grown = base * Math.pow(factor * length / above - (factor - 1), dim / (dim - 2.0));
                return frequencies(dim, grown);
            }
        }
    }

    /** Checks the sizes. */
    public Rope {
        if (rotaryDim <= 0 || rotaryDim % 2 != 0 || invFreq.length != rotaryDim / 2) {
            throw new IllegalArgumentException("rotary dimension " + rotaryDim + " with " + invFreq.length + " frequencies");
        }
    }

    /** One that rotates texts of all lengths alike. */
    public Rope(int rotaryDim, Layout layout, float[] invFreq, float attentionFactor) {
        this(rotaryDim, layout, invFreq, attentionFactor, Optional.empty());
    }

    /** One that turns nothing, exactly: of layers that know no positions. */
    public static Rope none(int rotaryDim) {
        return new Rope(rotaryDim, Layout.NEOX, new float[rotaryDim / 2], 1);
    }

    /** The frequencies of a base: theta^(-2i / dim) for the pair i, in float as the transformers library computes them. */
    public static float[] frequencies(int dim, double theta) {
        var freq = new float[dim / 2];
        for (int i = 0; i < freq.length; i++) {
            float exponent = (float) (2 * i) / dim;
            freq[i] = 1 / (float) Math.pow((float) theta, exponent);
        }
        return freq;
    }

    /** How a text of so many positions is rotated: one that does not depend on it any more. */
    public Rope at(int length) {
        return longer.filter(l -> length > l.above()).map(l -> new Rope(rotaryDim, layout, l.invFreq(length), l.attentionFactor()))
                .orElse(longer.isEmpty() ? this : new Rope(rotaryDim, layout, invFreq, attentionFactor));
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof Rope r && rotaryDim == r.rotaryDim && layout == r.layout && Arrays.equals(invFreq, r.invFreq)
                && Float.compare(attentionFactor, r.attentionFactor) == 0 && longer.equals(r.longer);
    }

    @Override
    public int hashCode() {
        return Objects.hash(rotaryDim, layout, Arrays.hashCode(invFreq), attentionFactor, longer);
    }
}
