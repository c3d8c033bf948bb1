package io.jllm.convert.packed.layer;

import io.jllm.quant.WeightSource;
import io.jllm.quant.Weights;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A source with some tensors in place of its own. Closing it closes nothing.
 *
 * @param base all others
 * @param others by name
 */
public record Overlay(WeightSource base, Map<String, ? extends Weights> others) implements WeightSource {
    @Override
    public Set<String> names() {
        var all = new LinkedHashSet<>(base.names());
        all.addAll(others.keySet());
        return all;
    }

    @Override
    public Optional<Weights> find(String name) {
        Weights other = others.get(name);
        return other == null ? base.find(name) : Optional.of(other);
    }

    @Override
    public void close() {
        // what it is made of belongs to others
    }
}
