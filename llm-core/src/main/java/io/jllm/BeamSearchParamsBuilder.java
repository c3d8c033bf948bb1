package io.jllm;

import io.jllm.sampling.EarlyStopping;

/** Builds {@link BeamSearchParams}, where each setting is described; ranges are checked by {@link #build}. For one thread. */
public final class BeamSearchParamsBuilder extends DecodingParamsBuilder<BeamSearchParamsBuilder> {
    private final int width;
    private int n = 1;
    private double lengthPenalty = 1;
    private EarlyStopping earlyStopping = EarlyStopping.FALSE;

    BeamSearchParamsBuilder(int width) {
        this.width = width;
    }

    BeamSearchParamsBuilder(BeamSearchParams p) {
        decoding(p.decoding());
        width = p.width();
        n = p.n();
        lengthPenalty = p.lengthPenalty();
        earlyStopping = p.earlyStopping();
    }

    @Override
    BeamSearchParamsBuilder self() {
        return this;
    }

    /** See {@link BeamSearchParams#n}. */
    public BeamSearchParamsBuilder n(int value) {
        n = value;
        return this;
    }

    /** See {@link BeamSearchParams#lengthPenalty}. */
    public BeamSearchParamsBuilder lengthPenalty(double value) {
        lengthPenalty = value;
        return this;
    }

    /** See {@link BeamSearchParams#earlyStopping}. */
    public BeamSearchParamsBuilder earlyStopping(EarlyStopping value) {
        earlyStopping = value;
        return this;
    }

    /**
     * The settings.
     *
     * @throws IllegalArgumentException if one is out of range; the message names it, its value and the range
     */
    public BeamSearchParams build() {
        return new BeamSearchParams(width, n, lengthPenalty, earlyStopping, decoding());
    }
}
