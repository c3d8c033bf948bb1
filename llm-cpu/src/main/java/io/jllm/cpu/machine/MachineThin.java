package io.jllm.cpu.machine;

import io.jllm.cpu.kernels.ThinProducts;
import io.jllm.cpu.kernels.Workspace;
import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.layout.ThinColumns;
import io.jllm.cpu.layout.ThinRows;

/**
 * Matrices of low rank in machine code.
 *
 * @param next for what there is no code for: columns that fill no run, and rows that fill no group
 */
record MachineThin(ThinFunctions functions, ThinProducts next) implements ThinProducts {
    @Override
    public void down(ThinRows w, Rows x, int first, int tokens, float factor, Rows out, Workspace ws) {
        if (w.cols() % ThinRows.RUN != 0) {
            next.down(w, x, first, tokens, factor, out, ws);
            return;
        }
        for (int t = 0; t < tokens;) {
            int count = Math.min(functions.tokens(), tokens - t);
            functions.down(w, count, x.data().address() + x.row(first + t), (long) x.width() * Float.BYTES, factor,
                    out.data().address() + out.row(first + t), (long) out.width() * Float.BYTES);
            t += count;
        }
    }

    @Override
    public void up(ThinColumns w, int from, int to, Rows thin, int first, int tokens, Rows out, int outRow, int column, ThinColumns soon) {
        int rest = (to - from) % ThinColumns.GROUP;
        long at = (long) (column + from) * Float.BYTES;
        for (int t = 0; t < tokens && to - rest > from; t++) {
            functions.up(w, from, to - rest, thin.data().address() + thin.row(first + t), out.data().address() + out.row(outRow + t) + at,
                    t == 0 ? soon : w);
        }
        if (rest > 0) {
            next.up(w, to - rest, to, thin, first, tokens, out, outRow, column, soon);
        }
    }
}
