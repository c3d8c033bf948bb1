package io.jllm.model.decoder;

import io.jllm.ModelLoadException;
import io.jllm.quant.FormatException;
import io.jllm.quant.WeightSource;
import io.jllm.quant.Weights;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/**
 * A source with some tensors that are made of others, which are no longer seen. What is made is made each time when it is found: it is meant
 * for views, as {@link io.jllm.quant.Assembled} ones. Where that fails, for the others are missing or of another shape, finding it throws a
 * {@link ModelLoadException}.
 */
public final class ComposedWeights implements WeightSource {
    private final WeightSource source;
    private final Map<String, Supplier<Weights>> made = new LinkedHashMap<>();
    private final Set<String> taken = new LinkedHashSet<>();

    /** Over a source, which is closed with this. Nothing is made yet. */
    public ComposedWeights(WeightSource source) {
        this.source = source;
    }

    /**
     * Adds a tensor; for the thread that sets it up, before others ask.
     *
     * @param name its name
     * @param of the names of what it is made of
     */
    public ComposedWeights make(String name, Set<String> of, Supplier<Weights> how) {
        made.put(name, how);
        taken.addAll(of);
        return this;
    }

    @Override
    public Set<String> names() {
        var names = new LinkedHashSet<>(source.names());
        names.removeAll(taken);
        names.addAll(made.keySet());
        return Collections.unmodifiableSet(names);
    }

    @Override
    public Optional<Weights> find(String name) {
        Supplier<Weights> how = made.get(name);
        return how != null ? Optional.of(made(name, how)) : taken.contains(name) ? Optional.empty() : source.find(name);
    }

    /** What the parts are not fit for is the file's fault. */
    private static Weights made(String name, Supplier<Weights> how) {
        try {
            return how.get();
        } catch (FormatException e) {
            throw e;
        } catch (IllegalArgumentException | ArithmeticException e) {
            throw new ModelLoadException("tensor " + name + " cannot be made: " + e.getMessage(), e);
        }
    }

    @Override
    public void close() {
        source.close();
    }
}
