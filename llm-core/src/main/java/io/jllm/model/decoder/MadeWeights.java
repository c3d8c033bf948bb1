package io.jllm.model.decoder;

import io.jllm.quant.WeightSource;
import io.jllm.quant.Weights;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiFunction;

/**
 * A source of which some tensors are made of what a checkpoint holds: with their rows in another order, transposed, put together. Each is made
 * once, when it is first asked for. The others are those of the source. Safe for use by many threads.
 */
public final class MadeWeights implements WeightSource {
    private final WeightSource source;
    private final BiFunction<WeightSource, String, Optional<Weights>> maker;
    private final Map<String, Optional<Weights>> made = new ConcurrentHashMap<>();

    /**
     * Over a source, which is closed with this.
     *
     * @param maker of a source and the name of a tensor what is made; empty for the tensor of the source, if there is one
     */
    public MadeWeights(WeightSource source, BiFunction<WeightSource, String, Optional<Weights>> maker) {
        this.source = source;
        this.maker = maker;
    }

    /** {@inheritDoc} Those of the source. */
    @Override
    public Set<String> names() {
        return source.names();
    }

    @Override
    public Optional<Weights> find(String name) {
        return made.computeIfAbsent(name, n -> maker.apply(source, n)).or(() -> source.find(name));
    }

    @Override
    public void close() {
        source.close();
    }
}
