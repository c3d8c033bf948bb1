package io.jllm.model;

import io.jllm.quant.DType;
import io.jllm.quant.Tensor;
import io.jllm.quant.WeightSource;
import io.jllm.quant.Weights;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Weights that a test makes: tensors in F32, or others. */
public final class MapWeights implements WeightSource {
    private final Map<String, Weights> tensors = new LinkedHashMap<>();

    /** A matrix of zeros. */
    public MapWeights put(String name, int rows, int cols) {
        return put(name, rows, cols, new float[rows * cols]);
    }

    /** A vector. */
    public MapWeights put(String name, float... values) {
        return put(name, 1, values.length, values);
    }

    /** A matrix. */
    public MapWeights put(String name, int rows, int cols, float[] values) {
        tensors.put(name, new Tensor(name, DType.F32, rows, cols, MemorySegment.ofArray(values).asReadOnly()));
        return this;
    }

    /** Of any kind, under their own name. */
    public MapWeights put(Weights weights) {
        tensors.put(weights.name(), weights);
        return this;
    }

    /** Without that one. */
    public MapWeights remove(String name) {
        tensors.remove(name);
        return this;
    }

    @Override
    public Set<String> names() {
        return tensors.keySet();
    }

    @Override
    public Optional<Weights> find(String name) {
        return Optional.ofNullable(tensors.get(name));
    }

    @Override
    public void close() {
    }
}
