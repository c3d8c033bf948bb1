package io.jllm.cpu.adapter;

import io.jllm.cpu.kernels.StoredMatrix;
import io.jllm.cpu.kernels.ThinProducts;
import io.jllm.cpu.kernels.Workspace;
import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.layout.ThinColumns;
import io.jllm.cpu.layout.ThinRows;
import java.lang.foreign.MemorySegment;

/** An embedding table of the program, and how adapters change it. */
public final class TableSite extends Site<AdaptedMatrix> {
    private final ThinProducts lowRank;

    TableSite(ThinProducts lowRank) {
        this.lowRank = lowRank;
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
                decode(m.rows().orElseThrow(), i, out, row, ws);
            }
        }
        if (m.up().isPresent()) {
            add(m, m.up().get(), token, out, row, ws);
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

    private void add(AdaptedMatrix m, ThinColumns up, int token, Rows out, int row, Workspace ws) {
        StoredMatrix tokens = m.rows().orElseThrow();
        int room = ThinRows.whole(up.cols());
        float[] factors = ws.head(room);
        tokens.decode(token, factors);
        Rows thin = ws.gathered(room);
        for (int k = 0; k < room; k++) {
            thin.data().set(Rows.FLOAT, (long) k * Float.BYTES, k < up.cols() ? m.scale() * factors[k] : 0);
        }
        lowRank.up(up, 0, up.rows(), thin, 0, 1, out, row, 0, up);
    }
}
