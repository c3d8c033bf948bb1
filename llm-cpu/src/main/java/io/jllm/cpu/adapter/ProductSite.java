package io.jllm.cpu.adapter;

import io.jllm.cpu.kernels.RowKernels;
import io.jllm.cpu.kernels.StoredProducts;
import io.jllm.cpu.kernels.Target;
import io.jllm.cpu.kernels.Workspace;
import io.jllm.cpu.layout.Rows;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/** A matrix of the program that is multiplied with, and how adapters change it. */
public final class ProductSite extends Site<AdaptedMatrix> {
    private final float[] bias;
    private final StoredProducts products;
    private final RowKernels rows;

    /** @param bias the model's, or none at all */
    ProductSite(float[] bias, StoredProducts products, RowKernels rows) {
        this.bias = bias;
        this.products = products;
        this.rows = rows;
    }

    float[] bias() {
        return bias;
    }

    /** Whether the rows of an adapter must be known apart from the residual. */
    public boolean needsResidual(int adapter) {
        AdaptedMatrix m = change(adapter);
        return m != null && m.needsResidual();
    }

    /** Whether the matrix is another one for an adapter. */
    public boolean isOther(int adapter) {
        AdaptedMatrix m = change(adapter);
        return m != null && m.whole().isPresent();
    }

    /** Products by the other matrix, for some of its rows, in place of the model's. */
    public void multiplyOther(int adapter, int from, int to, Rows in, int first, int count, Target out, Workspace ws) {
        products.linear(change(adapter).whole().orElseThrow(), from, to, in, first, count, out, first, ws);
    }

    /** Products by the thin matrix, to rows of their own. */
    public void multiplyThin(int adapter, Rows in, int first, int count, Rows thin, Workspace ws) {
        AdaptedMatrix m = change(adapter);
        if (m != null && m.thin().isPresent()) {
            products.linear(m.thin().get(), 0, m.thinRows(), in, first, count, new Target(thin, 0, Optional.empty()), first, ws);
        }
    }

    /**
     * Changes outputs {@code from} (inclusive) to {@code to} (exclusive) of a row.
     *
     * @param thin what the thin matrix gave
     * @param column where the matrix's outputs begin in rows of {@code out}
     * @param residual what was added to the product; empty if nothing was, or it does not matter
     */
    public void finish(int adapter, Rows thin, int row, int from, int to, Rows out, int column, Optional<Rows> residual) {
        AdaptedMatrix m = change(adapter);
        if (m == null) {
            return;
        }
        long rowBytes = m.up().byteSize() / Math.max(1, m.thinRows());
        long at = out.row(row) + (long) (column + from) * Float.BYTES;
        for (int k = 0; k < m.thinRows() && m.replaced().length == 0; k++) {
            float factor = thin.data().get(Rows.FLOAT, thin.row(row) + (long) k * Float.BYTES);
            rows.add(out.data(), at, m.up(), k * rowBytes + (long) from * Float.BYTES, factor, out.data(), at, to - from);
        }
        replace(m, thin, row, from, to, out, column, residual);
        if (m.gain().length > 0 || m.shift().length > 0) {
            scale(m, row, from, to, out, column, residual);
        }
    }

    private void replace(AdaptedMatrix m, Rows thin, int row, int from, int to, Rows out, int column, Optional<Rows> residual) {
        for (int k = 0; k < m.replaced().length; k++) {
            int output = m.replaced()[k];
            if (output >= from && output < to) {
                float product = thin.data().get(Rows.FLOAT, thin.row(row) + (long) k * Float.BYTES);
                put(out, row, column + output, product + added(output, row, column, residual));
            }
        }
    }

    private void scale(AdaptedMatrix m, int row, int from, int to, Rows out, int column, Optional<Rows> residual) {
        for (int i = from; i < to; i++) {
            float x = out.data().get(Rows.FLOAT, out.row(row) + (long) (column + i) * Float.BYTES);
            if (m.gain().length > 0) {
                float added = added(i, row, column, residual);
                x = m.gain()[i] * (x - added) + added;
            }
            put(out, row, column + i, m.shift().length > 0 ? x + m.shift()[i] : x);
        }
    }

    /** What the model adds to a product. */
    private float added(int output, int row, int column, Optional<Rows> residual) {
        float b = bias.length == 0 ? 0 : bias[output];
        if (residual.isEmpty()) {
            return b;
        }
        Rows r = residual.get();
        return b + r.data().get(Rows.FLOAT, r.row(row) + (long) (column + output) * Float.BYTES);
    }

    private static void put(Rows out, int row, int column, float x) {
        MemorySegment data = out.data();
        data.set(Rows.FLOAT, out.row(row) + (long) column * Float.BYTES, x);
    }
}
