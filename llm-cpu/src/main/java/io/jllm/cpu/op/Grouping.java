package io.jllm.cpu.op;

import io.jllm.cpu.kernels.Workspace;
import io.jllm.cpu.layout.BlockRows;
import io.jllm.cpu.layout.Rows;
import io.jllm.model.Value;
import io.jllm.spi.StepBatch;
import java.util.Arrays;

/**
 * A step's rows by the experts that they chose, so that each expert is read once. A pair is a row and one of its choices; pairs are numbered row
 * by row, and places expert by expert. One iteration, that finds the place of each pair.
 */
final class Grouping implements CompiledOp {
    /** Experts among which pairs are shared out in a warm-up: few, so that each has several. */
    private static final int WARM = 4;

    private final Rows route;
    private final Value.Rows kind;
    private final int topK;
    private final int experts;
    /** By place. */
    private final int[] pairs;
    /** By pair. */
    private final int[] places;
    private final int[] chosen;
    /** By expert, the first place; then the end. */
    private final int[] starts;
    /** Those that have rows. */
    private final int[] active;
    private int actives;
    /** First places of groups of up to 8 pairs of one expert, and how many each has. */
    private final int[] groups;
    private final int[] sizes;
    private int count;

    /**
     * Of a route.
     *
     * @param rows most rows of a step
     */
    Grouping(Rows route, Value.Rows kind, int topK, int experts, int rows) {
        this.route = route;
        this.kind = kind;
        this.topK = topK;
        this.experts = experts;
        int most = Math.multiplyExact(rows, topK);
        pairs = new int[most];
        places = new int[most];
        chosen = new int[most];
        groups = new int[most];
        sizes = new int[most];
        starts = new int[experts + 1];
        active = new int[experts];
    }

    @Override
    public int tasks(StepBatch b) {
        return Math.min(1, rows(b));
    }

    @Override
    public void run(StepBatch b, int task, Workspace ws) {
        for (int p = 0; p < rows(b) * topK; p++) {
            long at = route.row(p / topK) + (long) (p % topK) * Float.BYTES;
            chosen[p] = (int) route.data().get(Rows.FLOAT, at);
        }
        sort(rows(b) * topK);
    }

    @Override
    public void warmUp(StepBatch b, Workspace ws) {
        spread(b);
    }

    /** As if rows had chosen some experts: for a warm-up, where there is no route. */
    void spread(StepBatch b) {
        for (int p = 0; p < rows(b) * topK; p++) {
            chosen[p] = p % Math.min(WARM, experts);
        }
        sort(rows(b) * topK);
    }

    private void sort(int n) {
        Arrays.fill(starts, 0);
        for (int p = 0; p < n; p++) {
            starts[chosen[p] + 1]++;
        }
        actives = 0;
        count = 0;
        for (int e = 0; e < experts; e++) {
            int size = starts[e + 1];
            starts[e + 1] += starts[e];
            if (size > 0) {
                active[actives++] = e;
            }
            for (int i = 0; i < size; i += BlockRows.GROUP) {
                groups[count] = starts[e] + i;
                sizes[count++] = BlockRows.size(i, size);
            }
        }
        for (int p = 0; p < n; p++) {
            places[p] = starts[chosen[p]]++; // until it is where the next one starts
            pairs[places[p]] = p;
        }
        System.arraycopy(starts, 0, starts, 1, experts);
        starts[0] = 0;
    }

    /** Rows of the step. */
    int rows(StepBatch b) {
        return RowOps.rows(kind, b);
    }

    int topK() {
        return topK;
    }

    /** Experts that were chosen. */
    int actives() {
        return actives;
    }

    /** The number of one of them. */
    int active(int i) {
        return active[i];
    }

    /** An expert's first place. */
    int start(int expert) {
        return starts[expert];
    }

    /** How many pairs it has. */
    int size(int expert) {
        return starts[expert + 1] - starts[expert];
    }

    /** The pair of a place. */
    int pair(int place) {
        return pairs[place];
    }

    /** The place of a pair. */
    int place(int pair) {
        return places[pair];
    }

    /** The weight of a pair. */
    float weight(int pair) {
        return route.data().get(Rows.FLOAT, route.row(pair / topK) + (long) (topK + pair % topK) * Float.BYTES);
    }

    /** Groups of pairs of one expert. */
    int groups() {
        return count;
    }

    /** The first place of one. */
    int group(int i) {
        return groups[i];
    }

    /** How many pairs it has. */
    int groupSize(int i) {
        return sizes[i];
    }
}
