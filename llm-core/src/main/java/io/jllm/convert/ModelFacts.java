package io.jllm.convert;

import io.jllm.quant.gguf.GgufMetadata;
import io.jllm.quant.gguf.GgufValue;
import java.util.Collection;
import java.util.Map;

/**
 * What the choice of formats asks of a model.
 *
 * @param family {@code general.architecture}
 * @param layers how many
 * @param experts of a layer; 0 for a feed-forward part without
 * @param queriesPerKey heads of queries that share one of keys and values, in the first layer; 0 if there are none of these
 * @param values how many matrices make values of attention
 * @param tied whether the embedding table is the output matrix too
 * @param isLarge whether it is of a shape that llama.cpp knows as 70B
 */
record ModelFacts(String family, int layers, long experts, long queriesPerKey, int values, boolean tied, boolean isLarge) {
    static ModelFacts of(Map<String, GgufValue> metadata, Collection<String> names) {
        var family = new GgufMetadata(metadata).text("general.architecture").orElse("");
        int layers = (int) Math.clamp(first(metadata.get(family + ".block_count"), layers(names)), 0, Integer.MAX_VALUE);
        long experts = first(metadata.get(family + ".expert_count"), 0);
        long heads = first(metadata.get(family + ".attention.head_count"), 0);
        long keys = first(metadata.get(family + ".attention.head_count_kv"), heads);
        int values = (int) names.stream().filter(n -> TensorRole.of(n).makesValues()).count();
        boolean large = switch (family) {
            case "llama" -> layers == 80 && heads != keys && experts != 8;
            case "qwen2", "deci", "olmo" -> layers == 80;
            case "jais2" -> layers == 68;
            default -> false;
        };
        return new ModelFacts(family, layers, experts, keys > 0 ? heads / keys : 0, values,
                names.stream().noneMatch(n -> TensorRole.of(n) == TensorRole.OUTPUT), large);
    }

    /** A whole number, or the first of a list. */
    private static long first(GgufValue value, long otherwise) {
        return switch (value) {
            case GgufValue.Int i -> i.value();
            case GgufValue.Ints list when list.size() > 0 -> list.values()[0];
            case null, default -> otherwise;
        };
    }

    private static int layers(Collection<String> names) {
        return names.stream().mapToInt(Checkpoint::layer).max().orElse(-1) + 1;
    }
}
