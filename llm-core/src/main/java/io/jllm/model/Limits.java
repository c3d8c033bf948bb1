package io.jllm.model;

import io.jllm.ModelLoadException;
import java.util.Optional;

/**
 * Ranges of the numbers in model files. They are wider than any model and narrow enough that no product of them overflows and
 * nothing absurd is allocated; the files' own tensors then decide.
 */
public final class Limits {
    /** Transformer layers. */
    public static final int LAYERS = 10_000;
    /** Floats a token. */
    public static final int WIDTH = 1 << 20;
    /** Heads of an attention. */
    public static final int HEADS = 1 << 14;
    /** Floats a head. */
    public static final int HEAD_DIM = 1 << 12;
    /** Tokens. */
    public static final int VOCAB = 1 << 24;
    /** Positions. */
    public static final int CONTEXT = 1 << 26;

    private static final System.Logger LOG = System.getLogger("io.jllm");

    private Limits() {
    }

    /** The value, if it is in the range. */
    public static int check(String key, long value, long min, long max) {
        if (value < min || value > max) {
            throw new ModelLoadException(key + " is " + value + "; it must be from " + min + " to " + max);
        }
        return (int) value;
    }

    /** The value, if it is above zero and finite as a float. */
    public static double positive(String key, double value) {
        float narrow = (float) value;
        if (!(narrow > 0) || narrow == Float.POSITIVE_INFINITY) {
            throw new ModelLoadException(key + " is " + value + "; it must be above 0 and finite as a 32-bit float");
        }
        return value;
    }

    /** The value, if it is zero or more and finite as a float. */
    public static double notNegative(String key, double value) {
        if (!((float) value >= 0) || (float) value == Float.POSITIVE_INFINITY) {
            throw new ModelLoadException(key + " is " + value + "; it must be at least 0 and finite as a 32-bit float");
        }
        return value;
    }

    /** The context that a model was trained for. Where it is unsaid or absurd, that is no reason not to load it: another is taken. */
    public static int context(String key, Optional<Long> value, int otherwise) {
        if (value.isPresent() && (value.get() < 1 || value.get() > CONTEXT)) {
            LOG.log(System.Logger.Level.WARNING, key + " is " + value.get() + ", which is no context that a model was trained for; "
                    + otherwise + " is taken instead");
            return otherwise;
        }
        return value.map(Long::intValue).orElse(otherwise);
    }
}
