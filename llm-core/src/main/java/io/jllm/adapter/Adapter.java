package io.jllm.adapter;

import java.util.Map;

/**
 * What an adapter changes of a model, by the names of its program's tensors. Its weights are those of open files: they are valid until whoever
 * read them closes these, and a backend copies what it needs. Immutable.
 *
 * @param products how matrices change that are multiplied with ({@link io.jllm.model.Op.Linear}). An output matrix that is the embedding table
 *     changes here by the table's name
 * @param tables how embedding tables change ({@link io.jllm.model.Op.Embed}); a table's columns are outputs, its rows tokens
 * @param vectors weights and biases of norms that take the place of the model's, each as long as that
 */
public record Adapter(Map<String, Change> products, Map<String, Change> tables, Map<String, float[]> vectors) {
    /** Copies the maps. */
    public Adapter {
        products = Map.copyOf(products);
        tables = Map.copyOf(tables);
        vectors = Map.copyOf(vectors);
    }
}
