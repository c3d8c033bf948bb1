package io.jllm.cpu.adapter;

import io.jllm.cpu.kernels.StoredProducts;
import io.jllm.cpu.kernels.Target;
import io.jllm.cpu.kernels.ThinProducts;
import io.jllm.cpu.kernels.Workspace;
import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.layout.ThinColumns;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/** A matrix of the program that is multiplied with, and how adapters change it. */
public final class ProductSite extends Site<AdaptedMatrix> {
    private final float[] bias;
    private final StoredProducts products;
    private final ThinProducts lowRank;

    /** @param bias the model's, or none at all */
    ProductSite(float[] bias, StoredProducts products, ThinProducts lowRank) {
        this.bias = bias;
        this.products = products;
        this.lowRank = lowRank;
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

    /** Whether products change otherwise than that others of low rank are added. */
    public boolean needsFinish(int adapter) {
        AdaptedMatrix m = change(adapter);
        return m != null && m.needsFinish();
    }

    /** Products on the way to outputs, for rows of an adapter, to rows of their own. */
    public void multiplyThin(int adapter, Rows in, int first, int count, Rows thin, Workspace ws) {
        AdaptedMatrix m = change(adapter);
        if (m == null) {
            return;
        }
        if (m.down().isPresent()) {
            lowRank.down(m.down().get(), in, first, count, m.scale(), thin, ws);
        } else if (m.rows().isPresent()) {
            products.linear(m.rows().get(), 0, m.replaced().length, in, first, count, new Target(thin, 0, Optional.empty()), first, ws);
        }
    }

    /**
     * Adds to outputs {@code from} (inclusive, a multiple of 16) to {@code to} (exclusive) of rows of an adapter what {@link #multiplyThin} leads
     * to.
     *
     * @param column where the matrix's outputs begin in rows of {@code out}
     * @param soon the adapter for which this is called next, or the same
     */
    public void add(int adapter, Rows thin, int first, int count, int from, int to, Rows out, int column, int soon) {
        AdaptedMatrix m = change(adapter);
        if (m != null && m.up().isPresent()) {
            AdaptedMatrix other = change(soon);
            ThinColumns next = other == null ? m.up().get() : other.up().orElse(m.up().get());
            lowRank.up(m.up().get(), from, to, thin, first, count, out, first, column, next);
        }
    }

    /**
     * Changes all outputs of a row of an adapter that needs it.
     *
     * @param thin what {@link #multiplyThin} gave
     * @param residual what was added to the product; empty if nothing was, or it does not matter
     */
    public void finish(int adapter, Rows thin, int row, int outputs, Rows out, int column, Optional<Rows> residual) {
        AdaptedMatrix m = change(adapter);
        add(adapter, thin, row, 1, 0, outputs, out, column, adapter);
        replace(m, thin, row, out, column, residual);
        if (m.gain().length > 0 || m.shift().length > 0) {
            scale(m, row, outputs, out, column, residual);
        }
    }

    private void replace(AdaptedMatrix m, Rows thin, int row, Rows out, int column, Optional<Rows> residual) {
        for (int k = 0; k < m.replaced().length; k++) {
            int output = m.replaced()[k];
            float product = thin.data().get(Rows.FLOAT, thin.row(row) + (long) k * Float.BYTES);
            put(out, row, column + output, product + added(output, row, column, residual));
        }
    }

    private void scale(AdaptedMatrix m, int row, int outputs, Rows out, int column, Optional<Rows> residual) {
        for (int i = 0; i < outputs; i++) {
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
