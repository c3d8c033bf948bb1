package io.jllm.spi;

import io.jllm.adapter.Adapter;
import io.jllm.adapter.Change;
import io.jllm.adapter.LowRank;
import io.jllm.model.Value;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** Adapters for the oracle: every change of a matrix written out in full, in double. */
final class ReferenceAdapters {
    private final Map<Integer, Loaded> loaded = new HashMap<>();

    private record Loaded(Map<String, Full> products, Map<String, Full> tables, Map<String, float[]> vectors) {
    }

    /** A change: another matrix, what is added to it, a factor and a summand for each output. */
    private record Full(Optional<float[]> whole, Map<Integer, float[]> rows, double[] added, float[] gain, float[] shift) {
    }

    void add(int number, Adapter adapter) {
        loaded.put(number, new Loaded(full(adapter.products(), false), full(adapter.tables(), true), adapter.vectors()));
    }

    void remove(int number) {
        if (loaded.remove(number) == null) {
            throw new IllegalArgumentException("no adapter " + number);
        }
    }

    private static Map<String, Full> full(Map<String, Change> changes, boolean tables) {
        var all = new HashMap<String, Full>();
        changes.forEach((name, c) -> {
            var rows = new HashMap<Integer, float[]>();
            c.rows().ifPresent(r -> {
                float[] values = ReferenceRunner.floats(r.values());
                int cols = (int) r.values().cols();
                for (int i = 0; i < r.numbers().length; i++) {
                    rows.put(r.numbers()[i], Arrays.copyOfRange(values, i * cols, (i + 1) * cols));
                }
            });
            all.put(name, new Full(c.whole().map(ReferenceRunner::floats), rows, c.lowRank().map(low -> product(low, tables)).orElse(new double[0]),
                    c.gain(), c.shift()));
        });
        return all;
    }

    /** scale * up down; for tables its transpose. */
    private static double[] product(LowRank low, boolean table) {
        float[] down = ReferenceRunner.floats(low.down());
        float[] up = ReferenceRunner.floats(low.up());
        int rank = low.rank();
        int rows = (int) low.up().rows();
        int cols = (int) low.down().cols();
        var out = new double[rows * cols];
        for (int r = 0; r < rows; r++) {
            for (int c = 0; c < cols; c++) {
                double sum = 0;
                for (int k = 0; k < rank; k++) {
                    sum += (double) up[r * rank + k] * down[k * cols + c];
                }
                out[table ? c * rows + r : r * cols + c] = low.scale() * sum;
            }
        }
        return out;
    }

    /** The adapter of a row of a step. */
    static int of(StepBatch b, Value.Rows kind, int row) {
        int token = kind == Value.Rows.TOKENS ? row : b.logitRow[row];
        int q = 0;
        while (token >= b.queryStart[q + 1]) {
            q++;
        }
        return b.adapter[q];
    }

    private Optional<Full> product(int adapter, String name) {
        return Optional.ofNullable(loaded.get(adapter)).map(l -> l.products.get(name));
    }

    /**
     * An output of a product, without bias and residual.
     *
     * @param asMet the input as the model's matrix meets it
     * @param x the input
     */
    double output(int adapter, String name, int row, float[] matrix, float[] asMet, float[] x, int at, int cols) {
        Full f = product(adapter, name).orElse(null);
        if (f == null) {
            return dot(matrix, row * cols, asMet, at, cols);
        }
        double sum = f.rows.containsKey(row) ? dot(f.rows.get(row), 0, x, at, cols)
                : f.whole.isPresent() ? dot(f.whole.get(), row * cols, x, at, cols) : dot(matrix, row * cols, asMet, at, cols);
        for (int i = 0; i < cols && f.added.length > 0; i++) {
            sum += f.added[row * cols + i] * x[at + i];
        }
        return (f.gain.length > 0 ? f.gain[row] : 1) * sum + (f.shift.length > 0 ? f.shift[row] : 0);
    }

    private static double dot(float[] w, int wAt, float[] x, int at, int n) {
        double sum = 0;
        for (int i = 0; i < n; i++) {
            sum += (double) w[wAt + i] * x[at + i];
        }
        return sum;
    }

    /** Changes a token's row of a table. */
    void embed(int adapter, String table, int token, float[] out, int at, int width) {
        Full f = Optional.ofNullable(loaded.get(adapter)).map(l -> l.tables.get(table)).orElse(null);
        for (int i = 0; i < width && f != null; i++) {
            double x = f.rows.containsKey(token) ? f.rows.get(token)[i] : f.whole.isPresent() ? f.whole.get()[token * width + i] : out[at + i];
            x += f.added.length > 0 ? f.added[token * width + i] : 0;
            out[at + i] = (float) (f.gain.length > 0 ? f.gain[i] * x : x);
        }
    }

    /** A norm's weight or bias. */
    float[] vector(int adapter, String name, float[] own) {
        return Optional.ofNullable(loaded.get(adapter)).map(l -> l.vectors.get(name)).orElse(own);
    }
}
