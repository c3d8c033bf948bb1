package io.jllm.model;

import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.Tensor;
import io.jllm.quant.WeightSource;
import io.jllm.quant.Weights;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.DoubleUnaryOperator;
import java.util.function.Predicate;

/**
 * A source with some small tensors computed value by value from what the files hold, as 1 + w for the norms of some families. Each is
 * computed once, when it is first asked for, and held as F32. The others are those of the source.
 */
public final class TransformedWeights implements WeightSource {
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final WeightSource source;
    private final Predicate<String> which;
    private final DoubleUnaryOperator function;
    private final Map<String, Optional<Weights>> made = new ConcurrentHashMap<>();

    /**
     * Over a source, which is closed with this.
     *
     * @param which the names of the tensors that are computed; meant for vectors, as all their values are held in memory
     * @param function a stored value to the one that counts, which is rounded to float
     */
    public TransformedWeights(WeightSource source, Predicate<String> which, DoubleUnaryOperator function) {
        this.source = source;
        this.which = which;
        this.function = function;
    }

    @Override
    public Set<String> names() {
        return source.names();
    }

    /** {@inheritDoc} One of a type whose values cannot be read is given as it is, for a backend to refuse. */
    @Override
    public Optional<Weights> find(String name) {
        return which.test(name) ? made.computeIfAbsent(name, n -> source.find(n).map(this::transformed)) : source.find(name);
    }

    private Weights transformed(Weights w) {
        if (w instanceof Tensor t && Codec.of(t.type()).isEmpty()) {
            return w;
        }
        var values = new float[Math.toIntExact(w.rows() * w.cols())];
        w.decode(0, Math.toIntExact(w.rows()), values, 0);
        MemorySegment data = Arena.ofAuto().allocate(DType.F32.bytes(values.length), Float.BYTES);
        for (int i = 0; i < values.length; i++) {
            data.setAtIndex(FLOAT, i, (float) function.applyAsDouble(values[i]));
        }
        return new Tensor(w.name(), DType.F32, w.rows(), w.cols(), data);
    }

    @Override
    public void close() {
        source.close();
    }
}
