package io.jllm.model.decoder;

import io.jllm.model.Op;
import io.jllm.quant.Assembled;
import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.Encoder;
import io.jllm.quant.FormatException;
import io.jllm.quant.Rounded;
import io.jllm.quant.Tensor;
import io.jllm.quant.Weights;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** Tensors of checkpoints as programs want them. Vectors, which are one row, are treated as if each value were a row. */
public final class Rows {
    /** Rows and columns of the squares by which a matrix is transposed: what fits into a cache. */
    private static final int SQUARE = 64;

    private Rows() {
    }

    /** Some rows. {@code count} of them, from {@code from} on. */
    private record Run(long from, long count) {
    }

    /**
     * q, k and v of a fused product that has them in groups: the query heads that share a key and a value, then these two.
     *
     * @param fused the matrix, or its bias
     */
    public static Weights ungrouped(Weights fused, Op.AttentionShape shape) {
        var runs = new ArrayList<Run>();
        runs.addAll(runs(shape, Part.Q));
        runs.addAll(runs(shape, Part.K));
        runs.addAll(runs(shape, Part.V));
        return gathered(fused, fused.name(), shape, runs);
    }

    /**
     * One of the three.
     *
     * @param name the name under which it is found
     */
    public static Weights ungrouped(Weights fused, String name, Op.AttentionShape shape, Part part) {
        return gathered(fused, name, shape, runs(shape, part));
    }

    /** What a group of a fused product holds. */
    public enum Part {
        /** Queries. */
        Q,
        /** Keys. */
        K,
        /** Values. */
        V
    }

    private static List<Run> runs(Op.AttentionShape shape, Part part) {
        int queries = shape.heads() / shape.kvHeads();
        long dim = shape.headDim();
        int at = switch (part) {
            case Q -> 0;
            case K -> queries;
            case V -> queries + 1;
        };
        return IntStream.range(0, shape.kvHeads())
                .mapToObj(g -> new Run((g * (queries + 2L) + at) * dim, (part == Part.Q ? queries : 1) * dim)).toList();
    }

    private static Weights gathered(Weights fused, String name, Op.AttentionShape shape, List<Run> runs) {
        var t = fused.plain();
        boolean vector = t.rows() == 1 && shape.qkvDim() != 1;
        var all = vector ? new Tensor(t.name(), t.type(), t.cols(), 1, t.data()) : t;
        if (all.rows() != shape.qkvDim()) {
            throw new FormatException(t.name(), "the tensor", "has " + all.rows() + " rows; q, k and v of " + shape.heads() + " and "
                    + shape.kvHeads() + " heads of " + shape.headDim() + " have " + shape.qkvDim());
        }
        var parts = new Assembled(name, runs.stream().map(r -> all.rows(name, r.from(), r.from() + r.count())).toList());
        return vector ? new Tensor(name, t.type(), 1, parts.rows(), parts.copied().data()) : parts;
    }

    /** The transpose, a copy: what some checkpoints call Conv1D stores a row for each input. */
    public static Weights transposed(Weights w) {
        var t = Rounded.apart(w).plain();
        if (t.type().isQuantized()) {
            throw new IllegalArgumentException("tensor " + t.name() + " is stored as " + t.type() + ", which cannot be transposed");
        }
        int rows = Math.toIntExact(t.rows());
        int cols = Math.toIntExact(t.cols());
        long size = t.type().bytes(1);
        var data = allocated(t.bytes());
        for (int r0 = 0; r0 < rows; r0 += SQUARE) {
            for (int c0 = 0; c0 < cols; c0 += SQUARE) {
                for (int c = c0; c < Math.min(cols, c0 + SQUARE); c++) {
                    for (int r = r0; r < Math.min(rows, r0 + SQUARE); r++) {
                        copy(t.data(), ((long) r * cols + c) * size, data, ((long) c * rows + r) * size, size);
                    }
                }
            }
        }
        return new Tensor(t.name(), t.type(), cols, rows, data);
    }

    private static void copy(MemorySegment from, long at, MemorySegment to, long place, long bytes) {
        switch ((int) bytes) {
            case Short.BYTES -> to.set(ValueLayout.JAVA_SHORT_UNALIGNED, place, from.get(ValueLayout.JAVA_SHORT_UNALIGNED, at));
            case Integer.BYTES -> to.set(ValueLayout.JAVA_INT_UNALIGNED, place, from.get(ValueLayout.JAVA_INT_UNALIGNED, at));
            default -> MemorySegment.copy(from, at, to, place, bytes);
        }
    }

    /** Each row divided by its length, a copy of the same type. Lengths below 1e-12 count as that. */
    public static Weights normalised(Weights w) {
        var t = Rounded.apart(w).plain();
        if (Codec.of(t.type()).isEmpty()) {
            return w; // for a backend to refuse
        }
        var type = t.type().isQuantized() || Encoder.of(t.type()).isEmpty() ? DType.F32 : t.type();
        var encoder = Encoder.of(type).orElseThrow();
        var data = allocated(type.bytes(t.rows() * t.cols()));
        var row = new float[Math.toIntExact(t.cols())];
        for (long r = 0; r < t.rows(); r++) {
            t.decode(r, 1, row, 0);
            double squares = 0;
            for (float x : row) {
                squares += (double) x * x;
            }
            float length = (float) Math.max(Math.sqrt(squares), 1e-12);
            for (int i = 0; i < row.length; i++) {
                row[i] /= length;
            }
            encoder.encode(row, 0, row.length, data, r * type.bytes(row.length));
        }
        return new Tensor(t.name(), type, t.rows(), t.cols(), data);
    }

    private static MemorySegment allocated(long bytes) {
        return Arena.ofAuto().allocate(Math.max(1, bytes), Long.BYTES).asSlice(0, bytes);
    }
}
