package io.jllm.convert.packed.layer;

import io.jllm.model.Op;
import io.jllm.model.Value;
import java.util.List;

/**
 * Products of a layer that have the same input.
 *
 * @param in the input
 * @param products in their order
 */
public record Stage(Value in, List<Op.Linear> products) {
    /** The matrices, as the program names them. */
    public List<String> matrices() {
        return products.stream().flatMap(p -> p.weights().stream()).map(w -> w.name()).toList();
    }
}
