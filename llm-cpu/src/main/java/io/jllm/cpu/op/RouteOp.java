package io.jllm.cpu.op;

import static io.jllm.cpu.layout.Rows.FLOAT;

import io.jllm.cpu.kernels.Workspace;
import io.jllm.cpu.layout.Rows;
import io.jllm.model.ExpertOp;
import io.jllm.spi.StepBatch;

/**
 * Chooses experts. An iteration is a row.
 *
 * @param bias one number for each expert; zeros if there is none
 */
record RouteOp(Rows out, Rows logits, ExpertOp.Route op, float[] bias) implements CompiledOp {
    /** Added to sums that weights are divided by, so that all of 0 stay 0. */
    private static final double LEAST = 1e-20;

    @Override
    public int tasks(StepBatch b) {
        return RowOps.rows(op.out().rows(), b);
    }

    @Override
    public void run(StepBatch b, int row, Workspace ws) {
        int n = logits.width();
        double[] x = ws.numbers(2 * n + n);
        for (int i = 0; i < n; i++) {
            x[i] = logits.data().get(FLOAT, logits.row(row) + (long) i * Float.BYTES);
        }
        switch (op.scoring()) {
            case ExpertOp.Scoring.Softmax _ -> {
                softmax(x, n);
                choose(x, n, row);
            }
            case ExpertOp.Scoring.Sigmoid _ -> {
                for (int i = 0; i < n; i++) {
                    x[i] = 1 / (1 + Math.exp(-x[i]));
                }
                choose(x, n, row);
            }
            case ExpertOp.Scoring.SparseMixer m -> mix(x, n, m.jitter(), row);
        }
    }

    private static void softmax(double[] x, int n) {
        double max = x[largest(x, 0, n)];
        double sum = 0;
        for (int i = 0; i < n; i++) {
            x[i] = Math.exp(x[i] - max);
            sum += x[i];
        }
        for (int i = 0; i < n; i++) {
            x[i] /= sum;
        }
    }

    /** The first of the largest numbers, counted from {@code at}. */
    private static int largest(double[] x, int at, int n) {
        int best = 0;
        for (int i = 1; i < n; i++) {
            best = x[at + i] > x[at + best] ? i : best;
        }
        return best;
    }

    private void put(int row, int slot, int expert, double weight) {
        long at = out.row(row) + (long) slot * Float.BYTES;
        out.data().set(FLOAT, at, expert);
        out.data().set(FLOAT, at + (long) op.topK() * Float.BYTES, (float) weight);
    }

    /** Scores come first in {@code x}, then what is chosen by, then room for as many numbers. */
    private void choose(double[] x, int n, int row) {
        for (int i = 0; i < n; i++) {
            x[n + i] = x[i] + bias[i];
        }
        if (op.groups().isPresent()) {
            keepGroups(op.groups().get(), x, n);
        }
        double sum = 0;
        for (int j = 0; j < op.topK(); j++) {
            int best = largest(x, n, n);
            x[n + best] = Double.NEGATIVE_INFINITY;
            sum += x[best];
            put(row, j, best, 0);
        }
        for (int j = 0; j < op.topK(); j++) {
            int expert = (int) out.data().get(FLOAT, out.row(row) + (long) j * Float.BYTES);
            put(row, j, expert, x[expert] * op.scale() / (op.normalised() ? sum + LEAST : 1));
        }
    }

    /** The experts of other groups cannot be chosen. */
    private static void keepGroups(ExpertOp.Groups g, double[] x, int n) {
        int size = n / g.count();
        int scores = 2 * n;
        for (int i = 0; i < g.count(); i++) {
            x[scores + i] = best(x, n + i * size, size, g.best());
        }
        for (int c = 0; c < g.chosen(); c++) {
            x[scores + largest(x, scores, g.count())] = Double.NEGATIVE_INFINITY;
        }
        for (int i = 0; i < n; i++) {
            if (x[scores + i / size] != Double.NEGATIVE_INFINITY) {
                x[n + i] = Double.NEGATIVE_INFINITY;
            }
        }
    }

    /** The sum of the largest numbers: the k-th of them is the one that k - 1 others are before. */
    private static double best(double[] x, int at, int n, int count) {
        double sum = 0;
        for (int i = 0; i < n; i++) {
            int before = 0;
            for (int j = 0; j < n; j++) {
                before += x[at + j] > x[at + i] || x[at + j] == x[at + i] && j < i ? 1 : 0;
            }
            sum += before < count ? x[at + i] : 0;
        }
        return sum;
    }

    private void mix(double[] x, int n, float jitter, int row) {
        for (int j = 0; j < op.topK(); j++) {
            int best = largest(x, 0, n);
            double sum = 0;
            for (int i = 0; i < n; i++) {
                double factor = Math.max(Math.abs(x[i]), x[best]);
                sum += x[i] != Double.NEGATIVE_INFINITY && x[best] - x[i] <= 2 * jitter * factor ? Math.exp(x[i] - x[best]) : 0;
            }
            put(row, j, best, op.scale() / sum);
            x[best] = Double.NEGATIVE_INFINITY;
        }
    }
}
