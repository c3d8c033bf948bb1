package io.jllm.cpu.kernels;

import static io.jllm.cpu.layout.Rows.FLOAT;

import io.jllm.cpu.layout.Rows;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * Where the products of a matrix go.
 *
 * @param rows one row for each token
 * @param column where the matrix's row 0 goes in such a row; below 0 if only later rows do
 * @param residual what is added, of the same width as {@code rows}, which it may be
 */
public record Target(Rows rows, int column, Optional<Rows> residual) {
    /** Stores the products of rows {@code from} on of {@code w} with one token, from {@code sums[at]} on, with all that is added. */
    public void put(StoredMatrix w, int from, int count, int token, float[] sums, int at) {
        long first = (long) (column + from) * Float.BYTES;
        MemorySegment out = rows.data();
        long to = rows.row(token) + first;
        if (residual.isPresent()) {
            MemorySegment in = residual.get().data();
            long add = residual.get().row(token) + first;
            for (int r = 0; r < count; r++) {
                out.set(FLOAT, to + 4L * r, sums[at + r] + w.bias(from + r) + in.get(FLOAT, add + 4L * r));
            }
        } else {
            for (int r = 0; r < count; r++) {
                out.set(FLOAT, to + 4L * r, sums[at + r] + w.bias(from + r));
            }
        }
    }

    /**
     * The same of rows {@code from} on of {@code w}, whose sums are a row of others.
     *
     * @param sum which row of {@code sums}
     */
    public void put(PackedMatrix w, int from, int count, int token, Rows sums, int sum) {
        long first = (long) (column + from) * Float.BYTES;
        long to = rows.row(token) + first;
        long at = sums.row(sum);
        boolean biased = w.bias().byteSize() > 0;
        for (int r = 0; r < count; r++) {
            float x = sums.data().get(FLOAT, at + 4L * r);
            if (biased) {
                x += w.bias().get(FLOAT, (from + r) * 4L);
            }
            if (residual.isPresent()) {
                x += residual.get().data().get(FLOAT, residual.get().row(token) + first + 4L * r);
            }
            rows.data().set(FLOAT, to + 4L * r, x);
        }
    }
}
