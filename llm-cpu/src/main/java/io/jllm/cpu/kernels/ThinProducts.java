package io.jllm.cpu.kernels;

import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.layout.ThinColumns;
import io.jllm.cpu.layout.ThinRows;
import java.lang.foreign.MemorySegment;

/**
 * Products by matrices of low rank, as adapters add them to a model's. A token's results do not depend on those that are computed with it.
 * Thread-safe: each thread brings its own {@link Workspace}.
 */
public interface ThinProducts {
    /** Plain Java, which sums up one after the other. */
    ThinProducts PLAIN = new Plain();

    /**
     * out[first + t][r] = factor * (w x[first + t])[r], for all rows of {@code w} and so many tokens; 0 for those that fill its last group.
     *
     * @param out has room for whole groups
     */
    void down(ThinRows w, Rows x, int first, int tokens, float factor, Rows out, Workspace ws);

    /**
     * out[outRow + t][column + r] += (w thin[first + t])[r], for rows {@code from} (inclusive) to {@code to} (exclusive) of {@code w} and so many
     * tokens. Each sum begins with what is there and goes on in the order of the rank.
     *
     * @param from a multiple of {@link ThinColumns#GROUP}
     * @param thin what {@link #down} gave
     * @param soon whose same rows are read next, to be fetched from memory meanwhile; {@code w} itself if none are
     */
    void up(ThinColumns w, int from, int to, Rows thin, int first, int tokens, Rows out, int outRow, int column,
            ThinColumns soon);

    /** For JVMs without the Vector API. */
    final class Plain implements ThinProducts {
        private Plain() {
        }

        @Override
        public void down(ThinRows w, Rows x, int first, int tokens, float factor, Rows out, Workspace ws) {
            float[] row = ws.head(w.cols());
            for (int r = 0; r < ThinRows.whole(w.rows()); r++) {
                for (int c = 0; c < w.cols(); c++) {
                    row[c] = w.get(r, c);
                }
                for (int t = first; t < first + tokens; t++) {
                    float sum = 0;
                    for (int c = 0; c < w.cols(); c++) {
                        sum += row[c] * x.data().get(Rows.FLOAT, x.row(t) + (long) c * Float.BYTES);
                    }
                    out.data().set(Rows.FLOAT, out.row(t) + (long) r * Float.BYTES, factor * sum);
                }
            }
        }

        @Override
        public void up(ThinColumns w, int from, int to, Rows thin, int first, int tokens, Rows out, int outRow, int column,
                ThinColumns soon) {
            MemorySegment data = out.data();
            for (int r = from; r < to; r++) {
                for (int t = 0; t < tokens; t++) {
                    long at = out.row(outRow + t) + (long) (column + r) * Float.BYTES;
                    float sum = data.get(Rows.FLOAT, at);
                    for (int c = 0; c < w.cols(); c++) {
                        sum += w.get(r, c) * thin.data().get(Rows.FLOAT, thin.row(first + t) + (long) c * Float.BYTES);
                    }
                    data.set(Rows.FLOAT, at, sum);
                }
            }
        }
    }
}
