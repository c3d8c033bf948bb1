package io.jllm.cpu;

import io.jllm.cpu.kernels.Matrix;
import io.jllm.model.Weight;
import io.jllm.quant.Codec;
import io.jllm.quant.Tensor;
import io.jllm.quant.WeightSource;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/** The weights of a program: matrices as the file has them, vectors as floats. Each is counted and decoded once. */
final class Tensors {
    private final WeightSource source;
    private final Map<String, float[]> vectors = new HashMap<>();
    private final Set<MemorySegment> matrices = new HashSet<>();
    private long bytes;

    Tensors(WeightSource source) {
        this.source = source;
    }

    /** The values of a norm's or bias's tensor. */
    float[] vector(String name) {
        return vectors.computeIfAbsent(name, n -> {
            Tensor t = source.get(n);
            var values = new float[Math.toIntExact(t.cols())];
            Codec.of(t.type()).orElseThrow().decode(t.data(), 0, values, 0, values.length);
            bytes += (long) values.length * Float.BYTES;
            return values;
        });
    }

    /** A matrix without a bias. */
    Matrix matrix(String name) {
        return Matrix.of(counted(name));
    }

    /** A matrix with the bias that it has. */
    Matrix matrix(Weight w) {
        Tensor t = counted(w.name());
        return w.bias().map(b -> Matrix.of(t, vector(b))).orElseGet(() -> Matrix.of(t));
    }

    private Tensor counted(String name) {
        Tensor t = source.get(name);
        if (matrices.add(t.data())) { // a tied table may have two names
            bytes += t.data().byteSize();
        }
        return t;
    }

    /** Bytes of what was asked for so far. */
    long bytes() {
        return bytes;
    }
}
