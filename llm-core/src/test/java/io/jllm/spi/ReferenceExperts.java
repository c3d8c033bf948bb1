package io.jllm.spi;

import io.jllm.model.ExpertOp;
import io.jllm.model.Weight;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The oracle's mixtures of experts. */
final class ReferenceExperts {
    private ReferenceExperts() {
    }

    static void route(ExpertOp.Route op, float[] logits, Optional<float[]> bias, float[] out, int rows) {
        int n = op.logits().width();
        for (int t = 0; t < rows; t++) {
            var row = new double[n];
            for (int i = 0; i < n; i++) {
                row[i] = logits[t * n + i];
            }
            switch (op.scoring()) {
                case ExpertOp.Scoring.Softmax _ -> choose(op, softmax(row), bias, out, t);
                case ExpertOp.Scoring.Sigmoid _ -> {
                    for (int i = 0; i < n; i++) {
                        row[i] = 1 / (1 + Math.exp(-row[i]));
                    }
                    choose(op, row, bias, out, t);
                }
                case ExpertOp.Scoring.SparseMixer m -> mix(op, row, m.jitter(), out, t);
            }
        }
    }

    private static double[] softmax(double[] row) {
        double max = Double.NEGATIVE_INFINITY;
        for (double x : row) {
            max = Math.max(max, x);
        }
        double sum = 0;
        var out = new double[row.length];
        for (int i = 0; i < row.length; i++) {
            out[i] = Math.exp(row[i] - max);
            sum += out[i];
        }
        for (int i = 0; i < row.length; i++) {
            out[i] /= sum;
        }
        return out;
    }

    private static void choose(ExpertOp.Route op, double[] scores, Optional<float[]> bias, float[] out, int t) {
        int n = scores.length;
        int k = op.topK();
        var key = new double[n];
        for (int i = 0; i < n; i++) {
            key[i] = scores[i] + (bias.isPresent() ? bias.get()[i] : 0);
        }
        op.groups().ifPresent(g -> keepGroups(g, key));
        double sum = 0;
        var chosen = new int[k];
        for (int j = 0; j < k; j++) {
            chosen[j] = largest(key);
            key[chosen[j]] = Double.NEGATIVE_INFINITY;
            sum += scores[chosen[j]];
        }
        for (int j = 0; j < k; j++) {
            double weight = scores[chosen[j]] * op.scale() / (op.normalised() ? sum + 1e-20 : 1);
            out[t * 2 * k + j] = chosen[j];
            out[t * 2 * k + k + j] = (float) weight;
        }
    }

    /** The experts of other groups cannot be chosen. */
    private static void keepGroups(ExpertOp.Groups g, double[] key) {
        int size = key.length / g.count();
        var groups = new double[g.count()];
        for (int i = 0; i < g.count(); i++) {
            var members = java.util.Arrays.copyOfRange(key, i * size, (i + 1) * size);
            for (int b = 0; b < g.best(); b++) {
                int at = largest(members);
                groups[i] += members[at];
                members[at] = Double.NEGATIVE_INFINITY;
            }
        }
        var kept = new boolean[g.count()];
        for (int c = 0; c < g.chosen(); c++) {
            int at = largest(groups);
            kept[at] = true;
            groups[at] = Double.NEGATIVE_INFINITY;
        }
        for (int i = 0; i < key.length; i++) {
            key[i] = kept[i / size] ? key[i] : Double.NEGATIVE_INFINITY;
        }
    }

    /** The first of the largest numbers. */
    private static int largest(double[] x) {
        int best = 0;
        for (int i = 1; i < x.length; i++) {
            best = x[i] > x[best] ? i : best;
        }
        return best;
    }

    private static void mix(ExpertOp.Route op, double[] row, float jitter, float[] out, int t) {
        int k = op.topK();
        for (int j = 0; j < k; j++) {
            int best = largest(row);
            double sum = 0;
            for (double x : row) {
                double factor = Math.max(Math.abs(x), row[best]);
                sum += x != Double.NEGATIVE_INFINITY && row[best] - x <= 2 * jitter * factor ? Math.exp(x - row[best]) : 0;
            }
            out[t * 2 * k + j] = best;
            out[t * 2 * k + k + j] = (float) (op.scale() / sum);
            row[best] = Double.NEGATIVE_INFINITY;
        }
    }

    static void linear(ExpertOp.ExpertLinear op, List<float[]> in, float[] route, Map<String, float[]> weights, float[] out, int rows) {
        int k = op.route().width() / 2;
        int cols = op.in().width();
        int width = op.out().width();
        int at = 0;
        for (int m = 0; m < op.weights().size(); m++) {
            Weight w = op.weights().get(m);
            for (int t = 0; t < rows; t++) {
                for (int j = 0; j < k; j++) {
                    int expert = (int) route[t * 2 * k + j];
                    double factor = op.weighted() ? route[t * 2 * k + k + j] : 1;
                    for (int r = 0; r < w.rows(); r++) {
                        out[t * width + at + j * w.rows() + r] = (float) (factor * product(w, expert, r, in.get(m), t * cols, cols, weights));
                    }
                }
            }
            at += k * w.rows();
        }
    }

    static void sum(ExpertOp.ExpertSum op, float[] in, float[] route, Map<String, float[]> weights, Optional<float[]> residual, float[] out,
                    int rows) {
        int k = op.topK();
        int cols = op.in().width() / k;
        int width = op.out().width();
        for (int t = 0; t < rows; t++) {
            for (int r = 0; r < width; r++) {
                double sum = residual.isPresent() ? residual.get()[t * width + r] : 0;
                for (int j = 0; j < k; j++) {
                    double factor = op.weighted() ? route[t * 2 * k + k + j] : 1;
                    sum += factor * product(op.weight(), (int) route[t * 2 * k + j], r, in, (t * k + j) * cols, cols, weights);
                }
                out[t * width + r] = (float) sum;
            }
        }
    }

    private static double product(Weight w, int expert, int row, float[] in, int at, int cols, Map<String, float[]> weights) {
        float[] matrix = weights.get(w.name());
        long from = ((long) expert * w.rows() + row) * cols;
        double sum = w.bias().isPresent() ? weights.get(w.bias().get())[expert * w.rows() + row] : 0;
        for (int i = 0; i < cols; i++) {
            sum += (double) matrix[Math.toIntExact(from + i)] * in[at + i];
        }
        return sum;
    }
}
