package io.jllm.model;

import java.util.List;

/**
 * A number, text or flag that says what a model is like, under its names in both kinds of files: the constants here are the table of
 * those that families share, and a family has keys of its own beside them. {@link Keys} reads them, and a converted file is written
 * with them. Names are those of the transformers library, and of llama.cpp ({@code llama-arch.cpp}).
 *
 * @param gguf the name in GGUF metadata, without the family's before it; empty if such files do not say it
 * @param huggingFace the names in {@code config.json}, the usual one first; none if such files do not say it
 * @param range what it may be
 */
public record Key(String gguf, List<String> huggingFace, Range range) {
    /** Begins a name in {@code config.json} that stands in {@code rope_parameters}, or {@code rope_scaling}. */
    public static final String IN_ROPE_PARAMETERS = "rope_parameters.";

    /** The context that the model was trained for, in positions. */
    public static final Key CONTEXT = whole("context_length", 1, Limits.CONTEXT, "max_position_embeddings");
    /** Floats a token between layers. */
    public static final Key HIDDEN = whole("embedding_length", 1, Limits.WIDTH, "hidden_size");
    /** Transformer layers. */
    public static final Key LAYERS = whole("block_count", 1, Limits.LAYERS, "num_hidden_layers");
    /** Floats inside the feed-forward part. */
    public static final Key FFN = whole("feed_forward_length", 1, Limits.WIDTH, "intermediate_size");
    /** Query heads. */
    public static final Key HEADS = whole("attention.head_count", 1, Limits.HEADS, "num_attention_heads");
    /** Key and value heads. */
    public static final Key KV_HEADS = whole("attention.head_count_kv", 1, Limits.HEADS, "num_key_value_heads");
    /** Floats a head of queries and keys. */
    public static final Key HEAD_DIM = whole("attention.key_length", 1, Limits.HEAD_DIM, "head_dim");
    /** Floats a head of values. */
    public static final Key VALUE_DIM = whole("attention.value_length", 1, Limits.HEAD_DIM);
    /** Added to the mean square in root-mean-square norms. */
    public static final Key RMS_EPS = notNegative("attention.layer_norm_rms_epsilon", "rms_norm_eps");
    /** Added to the variance in layer norms. */
    public static final Key LAYER_EPS = notNegative("attention.layer_norm_epsilon", "layer_norm_eps", "layer_norm_epsilon", "norm_eps", "norm_epsilon");
    /** Positions that attention sees in the layers that have a window. */
    public static final Key WINDOW = whole("attention.sliding_window", 0, Integer.MAX_VALUE, "sliding_window");
    /** Which layers have a window. */
    public static final Key WINDOW_LAYERS = text("attention.sliding_window_pattern", "layer_types");
    /** Base of the rotary frequencies. */
    public static final Key ROPE_BASE = positive("rope.freq_base", "rope_theta");
    /** Dimensions of a head that are rotated. */
    public static final Key ROPE_DIMS = whole("rope.dimension_count", 2, Limits.HEAD_DIM);
    /** How rotary frequencies are stretched. */
    public static final Key ROPE_SCALING = text("rope.scaling.type", "rope_type", "type");
    /** By how much. */
    public static final Key ROPE_FACTOR = positive("rope.scaling.factor", "factor");
    /** Rows of logits. */
    public static final Key VOCAB = whole("vocab_size", 1, Limits.VOCAB, "vocab_size");
    /** Experts of a layer; 0 for a feed-forward part without. */
    public static final Key EXPERTS = whole("expert_count", 0, Integer.MAX_VALUE);
    /** The activation of the feed-forward part. */
    public static final Key ACTIVATION = text("", "hidden_act");
    /** Whether the output matrix is the embedding table. */
    public static final Key TIED = flag("", "tie_word_embeddings");
    /** Whether the products of attention have biases. */
    public static final Key ATTENTION_BIAS = flag("", "attention_bias");
    /** Whether those of the feed-forward part have. */
    public static final Key MLP_BIAS = flag("", "mlp_bias");

    /** Those of them that a GGUF file holds, in the order in which llama.cpp's converter writes them. */
    public static final List<Key> WRITTEN = List.of(CONTEXT, HIDDEN, LAYERS, FFN, HEADS, KV_HEADS, HEAD_DIM, VALUE_DIM, RMS_EPS, LAYER_EPS, WINDOW,
            WINDOW_LAYERS, ROPE_BASE, ROPE_DIMS, ROPE_SCALING, ROPE_FACTOR, EXPERTS, VOCAB);

    /** Copies the names. */
    public Key {
        huggingFace = List.copyOf(huggingFace);
    }

    /** What a value may be. */
    public sealed interface Range {
        /** Whole numbers from one to another. */
        record Whole(long min, long max) implements Range {
        }

        /** Numbers above zero, finite as 32-bit floats. */
        record Positive() implements Range {
        }

        /** Numbers of zero or more, finite as 32-bit floats. */
        record NotNegative() implements Range {
        }

        /** Texts, or lists of them. */
        record Text() implements Range {
        }

        /** True or false. */
        record Flag() implements Range {
        }
    }

    /** A whole number, at most 2^31 - 1. */
    public static Key whole(String gguf, long min, long max, String... huggingFace) {
        return new Key(gguf, List.of(huggingFace), new Range.Whole(min, max));
    }

    /** A number above zero. */
    public static Key positive(String gguf, String... huggingFace) {
        return new Key(gguf, List.of(huggingFace), new Range.Positive());
    }

    /** A number of zero or more. */
    public static Key notNegative(String gguf, String... huggingFace) {
        return new Key(gguf, List.of(huggingFace), new Range.NotNegative());
    }

    /** A text, or a list of them. */
    public static Key text(String gguf, String... huggingFace) {
        return new Key(gguf, List.of(huggingFace), new Range.Text());
    }

    /** True or false. */
    public static Key flag(String gguf, String... huggingFace) {
        return new Key(gguf, List.of(huggingFace), new Range.Flag());
    }

    /** The same under other names in {@code config.json}. */
    public Key named(String... huggingFaceNames) {
        return new Key(gguf, List.of(huggingFaceNames), range);
    }

    /** The same with another limit. */
    public Key atMost(long max) {
        return new Key(gguf, huggingFace, new Range.Whole(wholes().min(), max));
    }

    /**
     * The range of a whole number.
     *
     * @throws IllegalStateException if it is none
     */
    public Range.Whole wholes() {
        if (range instanceof Range.Whole w) {
            return w;
        }
        throw new IllegalStateException("the key " + this + " is no whole number");
    }

    /** The value as a whole number, if it is in the range; {@code name} is how messages name the key. */
    public int check(String name, long value) {
        return Limits.check(name, value, wholes().min(), wholes().max());
    }

    /** The value as a number, if it is in the range; {@code name} is how messages name the key. */
    public double check(String name, double value) {
        return switch (range) {
            case Range.Positive _ -> Limits.positive(name, value);
            case Range.NotNegative _ -> Limits.notNegative(name, value);
            case Range.Whole _, Range.Text _, Range.Flag _ -> throw new IllegalStateException("the key " + this + " is no number with a point");
        };
    }
}
