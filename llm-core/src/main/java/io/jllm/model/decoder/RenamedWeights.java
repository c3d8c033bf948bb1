package io.jllm.model.decoder;

import io.jllm.quant.WeightSource;
import io.jllm.quant.Weights;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.Set;

/**
 * A source with one tensor under another name.
 *
 * @param source all tensors
 * @param from the name of one there
 * @param to its name here
 */
record RenamedWeights(WeightSource source, String from, String to) implements WeightSource {
    @Override
    public Set<String> names() {
        var names = new LinkedHashSet<String>();
        source.names().forEach(name -> names.add(name.equals(from) ? to : name));
        return Collections.unmodifiableSet(names);
    }

    @Override
    public Optional<Weights> find(String name) {
        if (name.equals(from)) {
            return Optional.empty();
        }
        return name.equals(to) ? source.find(from).map(w -> w.named(to)) : source.find(name);
    }

    @Override
    public void close() {
        source.close();
    }
}
