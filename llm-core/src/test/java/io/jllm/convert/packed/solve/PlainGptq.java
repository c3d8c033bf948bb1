package io.jllm.convert.packed.solve;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * AutoGPTQ's algorithm as its {@code gptq.py} has it, without a thought of speed: the inverse by elimination, its Cholesky factor by the
 * text-book, then column after column. Scales are rounded to half precision, as files hold them.
 */
final class PlainGptq {
    private static final int BLOCK = 128;

    /** Numbers, scales and zeros by row; groups by column. */
    record Result(int[][] numbers, float[][] scales, int[][] zeros, int[] groupOf) {
    }

    private final int top;
    private final boolean symmetric;

    PlainGptq(int bits, boolean symmetric) {
        this.top = (1 << bits) - 1;
        this.symmetric = symmetric;
    }

    Result round(double[][] given, double[][] moments, int size, boolean actOrder, boolean fixed, double damping) {
        int rows = given.length;
        int n = moments.length;
        Integer[] order = IntStream.range(0, n).boxed().toArray(Integer[]::new);
        if (actOrder) {
            Arrays.sort(order, Comparator.comparingDouble(i -> -moments[i][i]));
        }
        double mean = IntStream.range(0, n).mapToDouble(i -> moments[i][i]).average().orElseThrow();
        var h = new double[n][n];
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                h[i][j] = moments[order[i]][order[j]] + (i == j ? damping * mean : 0);
            }
        }
        double[][] u = transposed(cholesky(inverse(h)));
        int groups = (n + size - 1) / size;
        var result = new Result(new int[rows][n], new float[rows][groups], new int[rows][groups], new int[n]);
        for (int i = 0; i < n; i++) {
            result.groupOf[order[i]] = (fixed ? order[i] : i) / size;
        }
        for (int r = 0; r < rows; r++) {
            var w = new double[n];
            for (int i = 0; i < n; i++) {
                w[i] = given[r][order[i]];
            }
            if (fixed) {
                for (int g = 0; g < groups; g++) {
                    fit(given[r], g * size, Math.min(n, (g + 1) * size), result, r, g);
                }
            }
            for (int from = 0; from < n; from += BLOCK) {
                int end = Math.min(n, from + BLOCK);
                double[] now = w.clone(); // of which the scales inside a block know nothing
                var errors = new double[n];
                for (int i = from; i < end; i++) {
                    int g = result.groupOf[order[i]];
                    if (!fixed && i % size == 0) {
                        fit(w, i, Math.min(n, i + size), result, r, g);
                    }
                    float scale = result.scales[r][g];
                    int zero = result.zeros[r][g];
                    int q = (int) Math.max(0, Math.min(top, Math.rint(now[i] / scale) + zero));
                    result.numbers[r][order[i]] = q;
                    errors[i] = (now[i] - (q - zero) * (double) scale) / u[i][i];
                    for (int j = i; j < end; j++) {
                        now[j] -= errors[i] * u[i][j];
                    }
                }
                for (int j = end; j < n; j++) {
                    for (int i = from; i < end; i++) {
                        w[j] -= errors[i] * u[i][j];
                    }
                }
            }
        }
        return result;
    }

    private void fit(double[] w, int from, int end, Result to, int row, int group) {
        double low = 0;
        double high = 0;
        for (int i = from; i < end; i++) {
            low = Math.min(low, w[i]);
            high = Math.max(high, w[i]);
        }
        if (symmetric) {
            high = Math.max(-low, high);
            low = -high;
        }
        to.scales[row][group] = Float.float16ToFloat(Float.floatToFloat16((float) ((high - low) / top)));
        to.zeros[row][group] = symmetric ? (top + 1) / 2 : (int) Math.rint(-low / to.scales[row][group]);
    }

    private static double[][] inverse(double[][] h) {
        int n = h.length;
        var a = new double[n][];
        var out = new double[n][n];
        for (int i = 0; i < n; i++) {
            a[i] = h[i].clone();
            out[i][i] = 1;
        }
        for (int p = 0; p < n; p++) {
            double pivot = a[p][p];
            for (int j = 0; j < n; j++) {
                a[p][j] /= pivot;
                out[p][j] /= pivot;
            }
            for (int i = 0; i < n; i++) {
                double factor = a[i][p];
                for (int j = 0; i != p && factor != 0 && j < n; j++) {
                    a[i][j] -= factor * a[p][j];
                    out[i][j] -= factor * out[p][j];
                }
            }
        }
        return out;
    }

    private static double[][] cholesky(double[][] a) {
        int n = a.length;
        var l = new double[n][n];
        for (int i = 0; i < n; i++) {
            for (int j = 0; j <= i; j++) {
                double sum = a[i][j];
                for (int k = 0; k < j; k++) {
                    sum -= l[i][k] * l[j][k];
                }
                l[i][j] = i == j ? Math.sqrt(sum) : sum / l[j][j];
            }
        }
        return l;
    }

    private static double[][] transposed(double[][] a) {
        var out = new double[a.length][a.length];
        for (int i = 0; i < a.length; i++) {
            for (int j = 0; j < a.length; j++) {
                out[j][i] = a[i][j];
            }
        }
        return out;
    }
}
