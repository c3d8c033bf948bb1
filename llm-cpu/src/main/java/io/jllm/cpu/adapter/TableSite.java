package io.jllm.cpu.adapter;

import io.jllm.cpu.kernels.RowKernels;
import io.jllm.cpu.kernels.StoredMatrix;
import io.jllm.cpu.kernels.Workspace;
import io.jllm.cpu.layout.Rows;
import java.lang.foreign.MemorySegment;

/** An embedding table of the program, and how adapters change it. */
public final class TableSite extends Site<AdaptedMatrix> {
    private final RowKernels rows;

    TableSite(RowKernels rows) {
        this.rows = rows;
    }

    /** Changes the row of a token. */
    public void apply(int adapter, int token, Rows out, int row, Workspace ws) {
        AdaptedMatrix m = change(adapter);
        if (m == null) {
            return;
        }
        m.whole().ifPresent(w -> decode(w, token, out, row, ws));
        for (int i = 0; i < m.replaced().length; i++) {
            if (m.replaced()[i] == token) {
                decode(m.thin().orElseThrow(), i, out, row, ws);
            }
        }
        if (m.up().byteSize() > 0) {
            add(m, token, out, row, ws);
        }
        for (int i = 0; i < m.gain().length; i++) {
            long at = out.row(row) + (long) i * Float.BYTES;
            out.data().set(Rows.FLOAT, at, m.gain()[i] * out.data().get(Rows.FLOAT, at));
        }
    }

    private static void decode(StoredMatrix w, int from, Rows out, int row, Workspace ws) {
        float[] values = ws.head(w.cols());
        w.decode(from, values);
        MemorySegment.copy(values, 0, out.data(), Rows.FLOAT, out.row(row), w.cols());
    }

    private void add(AdaptedMatrix m, int token, Rows out, int row, Workspace ws) {
        StoredMatrix thin = m.thin().orElseThrow();
        float[] factors = ws.head(thin.cols());
        thin.decode(token, factors);
        for (int k = 0; k < thin.cols(); k++) {
            rows.add(out.data(), out.row(row), m.up(), (long) k * out.width() * Float.BYTES, factors[k], out.data(), out.row(row), out.width());
        }
    }
}
