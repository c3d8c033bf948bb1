package io.jllm.cuda.weights;

import io.jllm.quant.Reencoded;
import io.jllm.quant.WeightSource;
import io.jllm.quant.Weights;
import java.util.Optional;
import java.util.Set;

/**
 * The weights of a source as kernels read them. What no file has, as packed checkpoints do, is read as another type: see {@link Reencoded}.
 *
 * @param source closed with this
 */
public record DeviceSource(WeightSource source) implements WeightSource {
    @Override
    public Set<String> names() {
        return source.names();
    }

    @Override
    public Optional<Weights> find(String name) {
        return source.find(name).map(Reencoded::of);
    }

    @Override
    public Weights get(String name) {
        return Reencoded.of(source.get(name));
    }

    @Override
    public void close() {
        source.close();
    }
}
