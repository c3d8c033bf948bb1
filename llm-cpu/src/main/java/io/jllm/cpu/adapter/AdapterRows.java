package io.jllm.cpu.adapter;

import io.jllm.model.Value;
import io.jllm.spi.StepBatch;
import java.util.Arrays;

/**
 * Which rows of a step belong to which adapter, in pieces of neighbouring rows of one adapter. Pieces of the same adapter follow each other, so that
 * its weights are read while they are in the cache.
 */
public final class AdapterRows {
    /** Most rows of a piece: few enough that threads can share out a long prompt. */
    static final int PIECE = 16;

    private final int[] adapters;
    private final int[] firsts;
    private final int[] sizes;
    private final long[] order;
    private int count;

    AdapterRows(int rows) {
        adapters = new int[rows];
        firsts = new int[rows];
        sizes = new int[rows];
        order = new long[rows];
    }

    /** Finds the pieces of a step. */
    void refill(StepBatch b, Value.Rows kind) {
        count = 0;
        for (int q = 0; q < b.sequences && kind == Value.Rows.TOKENS; q++) {
            add(b.adapter[q], b.queryStart[q], b.queryStart[q + 1]);
        }
        int q = 0;
        for (int r = 0; r < b.logitRows && kind == Value.Rows.LOGITS; r++) {
            while (b.logitRow[r] >= b.queryStart[q + 1]) {
                q++;
            }
            add(b.adapter[q], r, r + 1);
        }
        for (int i = 0; i < count; i++) {
            order[i] = (long) adapters[i] << Integer.SIZE | i;
        }
        Arrays.sort(order, 0, count);
    }

    private void add(int adapter, int from, int to) {
        if (adapter == 0) {
            return;
        }
        int next = from;
        int last = count - 1;
        if (last >= 0 && adapters[last] == adapter && firsts[last] + sizes[last] == from) {
            int more = Math.min(PIECE - sizes[last], to - from);
            sizes[last] += more;
            next += more;
        }
        for (; next < to; next += PIECE) {
            adapters[count] = adapter;
            firsts[count] = next;
            sizes[count++] = Math.min(PIECE, to - next);
        }
    }

    /** How many pieces there are. */
    public int count() {
        return count;
    }

    private int place(int piece) {
        return (int) order[piece];
    }

    /** The number of a piece's adapter. */
    public int adapter(int piece) {
        return adapters[place(piece)];
    }

    /** A piece's first row. */
    public int first(int piece) {
        return firsts[place(piece)];
    }

    /** How many rows it has. */
    public int size(int piece) {
        return sizes[place(piece)];
    }
}
