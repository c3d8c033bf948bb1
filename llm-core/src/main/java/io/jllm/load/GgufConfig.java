package io.jllm.load;

import io.jllm.ModelLoadException;
import io.jllm.json.Limits;
import io.jllm.model.Architecture;
import io.jllm.model.ModelConfig;
import io.jllm.model.Rope;
import io.jllm.model.arch.Families;
import io.jllm.quant.DType;
import io.jllm.quant.Tensor;
import io.jllm.quant.WeightSource;
import io.jllm.quant.gguf.GgufMetadata;
import io.jllm.quant.gguf.GgufValue;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * What the metadata of a GGUF file says of its model. Keys are those of llama.cpp ({@code llama-arch.cpp}), with the family's
 * name before them.
 *
 * @param architecture the family
 * @param model its numbers; whether embeddings are tied and which biases there are is for the tensors to say
 */
public record GgufConfig(Architecture architecture, ModelConfig model) {
    /** Frequencies are divided by these, where a file has them: how Llama 3's scaling is stored. */
    public static final String ROPE_FACTORS = "rope_freqs.weight";

    /** Where a file does not say for what context its model was trained: what llama.cpp gives a model at least. */
    private static final int UNSAID_CONTEXT = 4096;

    private static final System.Logger LOG = System.getLogger("io.jllm");
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /**
     * Reads the metadata.
     *
     * @param where how messages name the file
     * @throws ModelLoadException if something is missing, out of range or not supported; the message names key, value and limit
     */
    public static GgufConfig of(String where, GgufMetadata metadata, WeightSource weights) {
        try {
            var name = family(metadata);
            return new Reader(where, metadata, name + ".", Families.of(name)).read(weights);
        } catch (ModelLoadException | IllegalArgumentException e) {
            throw new ModelLoadException(where + ": " + e.getMessage(), e);
        }
    }

    private static String family(GgufMetadata metadata) {
        var type = metadata.text("general.type").orElse("model");
        if (!type.equals("model")) {
            throw new ModelLoadException("general.type is \"" + type + "\": the file is no model, but belongs to one; give the model's own file");
        }
        return metadata.text("general.architecture").orElseThrow(() -> new ModelLoadException(
                "general.architecture is missing: it names the model family"));
    }

    private record Reader(String where, GgufMetadata metadata, String prefix, Architecture architecture) {
        GgufConfig read(WeightSource weights) {
            int layers = required("block_count", Limits.LAYERS);
            int hidden = required("embedding_length", Limits.WIDTH);
            int ffn = perLayer("feed_forward_length", layers, Limits.WIDTH);
            int heads = perLayer("attention.head_count", layers, Limits.HEADS);
            int kvHeads = has("attention.head_count_kv") ? perLayer("attention.head_count_kv", layers, heads) : heads;
            int headDim = headDim(hidden, heads);
            Limits.attention(prefix + "attention.head_count", heads, prefix + "attention.head_count_kv", kvHeads,
                    prefix + "attention.key_length", headDim);
            double eps = Limits.notNegative(prefix + "attention.layer_norm_rms_epsilon", metadata
                    .real(prefix + "attention.layer_norm_rms_epsilon").orElseThrow(() -> missing("attention.layer_norm_rms_epsilon")));
            int context = context();
            int experts = has("expert_count") ? optional("expert_count", 0, Integer.MAX_VALUE) : 0;
            if (experts > 0) {
                throw new ModelLoadException(prefix + "expert_count is " + experts + "; mixtures of experts are not supported");
            }
            var model = new ModelConfig(architecture.name(), layers, hidden, ffn, heads, kvHeads, headDim, vocab(weights), context,
                    (float) eps, rope(headDim, weights), windows(layers), false, architecture.biases(false, false));
            return new GgufConfig(architecture, model);
        }

        private int context() {
            var key = prefix + "context_length";
            if (!has("context_length")) {
                LOG.log(System.Logger.Level.WARNING, where + ": " + key + " is missing; a context of " + UNSAID_CONTEXT + " is taken");
            }
            var said = metadata.integer(key);
            return Limits.context(where + ": " + key, said.isPresent() ? Optional.of(said.getAsLong()) : Optional.empty(), UNSAID_CONTEXT);
        }

        private int headDim(int hidden, int heads) {
            if (!has("attention.key_length")) {
                if (hidden % heads != 0) {
                    throw new ModelLoadException(prefix + "embedding_length is " + hidden + ", which attention.head_count " + heads
                            + " does not divide, and there is no attention.key_length");
                }
                return Limits.check(prefix + "embedding_length / attention.head_count", hidden / heads, 1, Limits.HEAD_DIM);
            }
            int key = optional("attention.key_length", 1, Limits.HEAD_DIM);
            int value = has("attention.value_length") ? optional("attention.value_length", 1, Limits.HEAD_DIM) : key;
            if (key != value) {
                throw new ModelLoadException(prefix + "attention.value_length is " + value + "; it must equal attention.key_length, "
                        + key);
            }
            return key;
        }

        /** The embedding table decides: vocab_size is missing from many files, and the token list may be shorter. */
        private int vocab(WeightSource weights) {
            var table = weights.find("token_embd.weight");
            if (table.isPresent()) {
                return Limits.check("rows of token_embd.weight", table.get().rows(), 1, Limits.VOCAB);
            }
            if (weights.names().isEmpty()) {
                throw new ModelLoadException("the file has a vocabulary only and no tensors: it can be used to tokenize, not to run");
            }
            throw new ModelLoadException("the tensor token_embd.weight is missing");
        }

        private Rope rope(int headDim, WeightSource weights) {
            int dim = has("rope.dimension_count") ? optional("rope.dimension_count", 2, headDim) : headDim;
            if (dim % 2 != 0) {
                throw new ModelLoadException(prefix + "rope.dimension_count is " + dim + "; it must be even");
            }
            double theta = Limits.positive(prefix + "rope.freq_base", metadata.real(prefix + "rope.freq_base").orElse(10_000));
            var scaled = scaling().apply(RopeScaling.frequencies(dim, theta));
            weights.find(ROPE_FACTORS).ifPresent(_ -> divide(scaled, weights.tensor(ROPE_FACTORS)));
            return new Rope(dim, architecture.ggufRope(), scaled, 1);
        }

        private RopeScaling scaling() {
            var type = metadata.text(prefix + "rope.scaling.type").orElse("linear"); // as llama.cpp has it
            return switch (type) {
                case "none" -> new RopeScaling.None();
                case "linear" -> {
                    var key = prefix + (has("rope.scaling.factor") ? "rope.scaling.factor" : "rope.scale_linear");
                    // llama.cpp reads an absent or zero factor as none
                    double factor = metadata.real(key).orElse(0);
                    yield factor == 0 ? new RopeScaling.None() : new RopeScaling.Linear(Limits.positive(key, factor));
                }
                default -> throw new ModelLoadException(prefix + "rope.scaling.type is \"" + type
                        + "\"; supported are none and linear");
            };
        }

        private static void divide(float[] frequencies, Tensor factors) {
            if (factors.type() != DType.F32 || factors.rows() * factors.cols() != frequencies.length) {
                throw new ModelLoadException(ROPE_FACTORS + " has " + factors.rows() * factors.cols() + " values of type "
                        + factors.type() + "; it must have " + frequencies.length + " of type F32");
            }
            for (int i = 0; i < frequencies.length; i++) {
                float factor = factors.data().get(FLOAT, 4L * i);
                frequencies[i] /= (float) Limits.positive(ROPE_FACTORS + " value " + i, factor);
            }
        }

        /** The window holds for all layers, or for those that the pattern marks; a number n leaves out every n-th layer. */
        private List<Integer> windows(int layers) {
            int window = has("attention.sliding_window") ? optional("attention.sliding_window", 0, Integer.MAX_VALUE) : 0;
            var key = prefix + "attention.sliding_window_pattern";
            return switch (metadata.entries().get(key)) {
                case null -> Collections.nCopies(layers, window);
                case GgufValue.Int n -> {
                    long every = Limits.check(key, n.value(), 0, Limits.LAYERS);
                    yield IntStream.range(0, layers).map(l -> every == 0 || l % every < every - 1 ? window : 0).boxed().toList();
                }
                case GgufValue.Bools b when b.values().length == layers ->
                    IntStream.range(0, layers).map(l -> b.values()[l] ? window : 0).boxed().toList();
                case GgufValue.Ints b when b.values().length == layers ->
                    IntStream.range(0, layers).map(l -> b.values()[l] != 0 ? window : 0).boxed().toList();
                default -> throw new ModelLoadException(key + " must be a number or an array of " + layers + " booleans");
            };
        }

        private boolean has(String key) {
            return metadata.entries().containsKey(prefix + key);
        }

        private int required(String key, long max) {
            return Limits.check(prefix + key, metadata.integer(prefix + key).orElseThrow(() -> missing(key)), 1, max);
        }

        private int optional(String key, long min, long max) {
            return Limits.check(prefix + key, metadata.integer(prefix + key).orElseThrow(() -> missing(key)), min, max);
        }

        /** A number that files may give for each layer; all must be equal. */
        private int perLayer(String key, int layers, long max) {
            if (!(metadata.entries().get(prefix + key) instanceof GgufValue.Ints array)) {
                return required(key, max);
            }
            var values = array.values();
            if (values.length != layers) {
                throw new ModelLoadException(prefix + key + " has " + values.length + " values; block_count is " + layers);
            }
            for (long v : values) {
                if (v != values[0]) {
                    throw new ModelLoadException(prefix + key + " differs between layers (" + values[0] + " and " + v
                            + "), which this family does not support");
                }
            }
            return Limits.check(prefix + key, values[0], 1, max);
        }

        private ModelLoadException missing(String key) {
            return new ModelLoadException(prefix + key + " is missing");
        }
    }
}
