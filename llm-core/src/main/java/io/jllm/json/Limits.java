package io.jllm.json;

import io.jllm.ModelLoadException;
import java.util.Optional;

/**
 * Ranges of the numbers in model files. They are wider than any model and narrow enough that no product of them overflows and
 * nothing absurd is allocated; the files' own tensors then decide.
 */
public final class Limits {
    public static final int LAYERS = 10_000;
    public static final int WIDTH = 1 << 20;
    public static final int HEADS = 1 << 14;
    public static final int HEAD_DIM = 1 << 12;
    public static final int VOCAB = 1 << 24;
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

    /** Checks what several numbers must be to each other. */
    public static void attention(String headsKey, int heads, String kvHeadsKey, int kvHeads, String headDimKey, int headDim) {
        if (heads % kvHeads != 0) {
            throw new ModelLoadException(headsKey + " is " + heads + ", which " + kvHeadsKey + " " + kvHeads + " does not divide");
        }
        if (headDim % 2 != 0) {
            throw new ModelLoadException(headDimKey + " is " + headDim + "; it must be even, as rotary embeddings turn pairs");
        }
        check(headsKey + " times " + headDimKey, (long) heads * headDim, 1, WIDTH);
    }
}
