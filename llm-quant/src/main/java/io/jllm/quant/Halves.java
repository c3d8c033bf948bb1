package io.jllm.quant;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Objects;

/** Weights of any kind, read as {@link DType#F16}: rounded to half precision, for backends that do not compute with them as they are stored. */
public final class Halves implements Part {
    private final Weights weights;

    private Halves(Weights weights) {
        this.weights = weights;
    }

    /** The same weights as halves. Nothing is read yet. */
    public static Weights of(Weights w) {
        return new Assembled(w.name(), List.of(new Halves(w)));
    }

    @Override
    public DType type() {
        return DType.F16;
    }

    @Override
    public long rows() {
        return weights.rows();
    }

    @Override
    public long cols() {
        return weights.cols();
    }

    @Override
    public void read(long row, long count, MemorySegment to) {
        Objects.checkFromIndexSize(row, count, rows());
        Objects.checkFromIndexSize(0, type().bytes(count * cols()), to.byteSize());
        int cols = Math.toIntExact(cols());
        var values = new float[cols];
        Encoder halves = Encoder.of(DType.F16).orElseThrow();
        for (long r = 0; r < count; r++) {
            weights.decode(row + r, 1, values, 0);
            halves.encode(values, 0, cols, to, r * DType.F16.bytes(cols));
        }
    }
}
