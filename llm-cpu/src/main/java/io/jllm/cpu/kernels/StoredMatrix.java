package io.jllm.cpu.kernels;

import io.jllm.quant.Assembled;
import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.Grouped;
import io.jllm.quant.RowReader;
import io.jllm.quant.Tensor;
import io.jllm.quant.Weights;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * A weight matrix as the file stores it, in one place or several.
 *
 * @param reader reads its format
 * @param parts its bytes, native or mapped memory; not to be changed
 * @param starts the first row of each part, and the end; not to be changed
 * @param cols inputs
 * @param rowBytes bytes of a row
 * @param bias one number for each row, or none at all
 */
public record StoredMatrix(RowReader reader, MemorySegment[] parts, int[] starts, int cols, long rowBytes, float[] bias) implements Matrix {
    /** Copies rows of weights as they are stored. */
    @FunctionalInterface
    public interface Copier {
        /** Rows {@code first} and after it, {@code count} of them, in memory that lives as long as it is used. */
        MemorySegment copy(Weights w, long first, int count);
    }

    /** A matrix in one place, with a bias for each row, or with none. */
    public StoredMatrix(RowReader reader, MemorySegment data, int rows, int cols, long rowBytes, float[] bias) {
        this(reader, new MemorySegment[] {data}, new int[] {0, rows}, cols, rowBytes, bias);
    }

    /** A matrix of all rows, with a bias for each, or with none. */
    public static StoredMatrix of(Weights w, float[] bias) {
        return of(w, 0, Math.toIntExact(w.rows()), bias, (rows, first, count) -> {
            MemorySegment copy = Arena.ofAuto().allocate(count * rows.rowBytes(), Long.BYTES);
            rows.read(first, count, copy);
            return copy;
        });
    }

    /**
     * A matrix of some rows. They are used where they are; only what is stored in another form is copied.
     *
     * @param bias one number for each of these rows, or none at all
     * @param copier copies them
     */
    public static StoredMatrix of(Weights w, long first, int rows, float[] bias, Copier copier) {
        return switch (w) {
            case Tensor t -> new StoredMatrix(codec(t.type()), t.slice(first, rows).orElseThrow(), rows, Math.toIntExact(t.cols()), t.rowBytes(),
                    bias);
            case Assembled a -> of(a, first, rows, bias, copier);
            case Grouped g -> copied(g.grouping(), g, first, rows, bias, copier);
        };
    }

    private static Codec codec(DType type) {
        return Codec.of(type).orElseThrow(() -> new IllegalArgumentException("no codec for " + type));
    }

    private static StoredMatrix copied(RowReader reader, Weights w, long first, int rows, float[] bias, Copier copier) {
        return new StoredMatrix(reader, copier.copy(w, first, rows), rows, Math.toIntExact(w.cols()), w.rowBytes(), bias);
    }

    private static StoredMatrix of(Assembled w, long first, int rows, float[] bias, Copier copier) {
        Codec codec = codec(w.type());
        var parts = new ArrayList<MemorySegment>();
        var starts = new ArrayList<>(List.of(0));
        for (long row = first; row < first + rows;) {
            long end = end(w, row, first + rows);
            Optional<MemorySegment> part = w.slice(row, end - row);
            if (part.isEmpty()) {
                return copied(codec, w, first, rows, bias, copier);
            }
            parts.add(part.get());
            starts.add((int) (end - first));
            row = end;
        }
        return new StoredMatrix(codec, parts.toArray(MemorySegment[]::new), starts.stream().mapToInt(s -> s).toArray(),
                Math.toIntExact(w.cols()), w.rowBytes(), bias);
    }

    /** Where the part that has a row ends, at most there. */
    private static long end(Assembled w, long row, long most) {
        long end = 0;
        for (int i = 0; end <= row; i++) {
            end += w.parts().get(i).rows();
        }
        return Math.min(end, most);
    }

    /** The same weights with another bias. */
    public StoredMatrix withBias(float[] rowBias) {
        return new StoredMatrix(reader, parts, starts, cols, rowBytes, rowBias);
    }

    /** Whether its rows are floats in single precision, to be used where they are. */
    public boolean isFloats() {
        return reader instanceof Codec c && c.type() == DType.F32;
    }

    @Override
    public long bytes() {
        return rows() * rowBytes;
    }

    @Override
    public int rows() {
        return starts[parts.length];
    }

    /** Whether all rows are in one place. */
    public boolean whole() {
        return parts.length == 1;
    }

    /** What is added to output {@code row}. */
    float bias(int row) {
        return bias.length == 0 ? 0 : bias[row];
    }

    @Override
    public void decode(int row, float[] to) {
        int part = whole() ? 0 : part(row);
        reader.decode(parts[part], (row - starts[part]) * rowBytes, to, 0, cols);
    }

    private int part(int row) {
        int at = Arrays.binarySearch(starts, row);
        return at >= 0 ? at : -at - 2;
    }
}
