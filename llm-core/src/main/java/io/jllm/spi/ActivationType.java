package io.jllm.spi;

import java.util.Locale;

/**
 * What quantised weights are multiplied by. Weights that are floats, of 16 or 32 bits, meet floats whatever is chosen, and so do those of
 * types for which a backend has no kernels of its own; but where a backend multiplies by many tokens on tensor cores, which its documentation says,
 * these are floats of 16 bits unless {@link #FLOAT} is chosen.
 */
public enum ActivationType {
    /** What the backend does fastest: {@link #INT8} where it has kernels for that, else {@link #FLOAT}. */
    AUTO,
    /** Activations rounded to 8 bits, in blocks of 32 with a scale, as llama.cpp does it. */
    INT8,
    /** Activations as they are: weights become floats. Slower, and exact but for the order of sums. */
    FLOAT;

    /** As a user types it. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
