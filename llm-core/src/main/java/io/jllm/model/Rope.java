package io.jllm.model;

import java.util.Arrays;
import java.util.Objects;

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
 */
public record Rope(int rotaryDim, Layout layout, float[] invFreq, float attentionFactor) {
    /** Which two dimensions of a head form a pair. */
    public enum Layout {
        /** Dimensions i and i + rotaryDim/2, as in Hugging Face files and most GGUF families. */
        NEOX,
        /** Dimensions 2i and 2i + 1, as in GGUF files of the llama family, whose q and k rows are permuted for it. */
        INTERLEAVED
    }

    /** Checks the sizes. */
    public Rope {
        if (rotaryDim <= 0 || rotaryDim % 2 != 0 || invFreq.length != rotaryDim / 2) {
            throw new IllegalArgumentException("rotary dimension " + rotaryDim + " with " + invFreq.length + " frequencies");
        }
    }

    /** One that turns nothing, exactly: of layers that know no positions. */
    public static Rope none(int rotaryDim) {
        return new Rope(rotaryDim, Layout.NEOX, new float[rotaryDim / 2], 1);
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof Rope r && rotaryDim == r.rotaryDim && layout == r.layout && Arrays.equals(invFreq, r.invFreq)
                && Float.compare(attentionFactor, r.attentionFactor) == 0;
    }

    @Override
    public int hashCode() {
        return Objects.hash(rotaryDim, layout, Arrays.hashCode(invFreq), attentionFactor);
    }
}
