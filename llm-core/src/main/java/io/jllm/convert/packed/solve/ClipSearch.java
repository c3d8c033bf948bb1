package io.jllm.convert.packed.solve;

import io.jllm.convert.packed.algebra.Combination;
import io.jllm.convert.packed.algebra.Parallel;
import io.jllm.convert.packed.algebra.Symmetric;
import java.io.IOException;
import java.util.Arrays;
import java.util.function.IntPredicate;

/**
 * AWQ's search for limits: the greatest weights of a group may be cut down to as little as 0.55 of themselves, in ten steps, where the products of
 * the group, over the text, are nearer to the true ones for the finer scale. Source: AutoAWQ ({@code quantizer.py}).
 */
public final class ClipSearch {
    private static final int STEPS = 10;
    private static final double STEP = 0.05;
    private static final int ROWS = 16;

    private ClipSearch() {
    }

    /**
     * The same weights, within the limits that are best for them.
     *
     * @param weights what is to be rounded
     * @param moments the mean of x times its transpose over inputs x
     * @param scales what weights of each input have been multiplied with, so that the inputs are divided by it
     * @param which the rows that are limited
     * @param size columns of a group
     */
    public static WeightRows limited(WeightRows weights, Symmetric moments, double[] scales, IntPredicate which, Rounding rounding, int size,
            Parallel parallel) throws IOException {
        int cols = weights.cols();
        int groups = Math.ceilDiv(cols, size);
        var blocks = new double[groups][][];
        for (int g = 0; g < groups; g++) {
            blocks[g] = block(moments, scales, g * size, Math.min(cols, (g + 1) * size));
        }
        var limits = new double[Math.multiplyExact(weights.rows(), groups)];
        Arrays.fill(limits, Double.POSITIVE_INFINITY);
        parallel.each(Math.ceilDiv(weights.rows(), ROWS), task -> {
            var row = new double[cols];
            for (int r = task * ROWS; r < Math.min(weights.rows(), (task + 1) * ROWS); r++) {
                if (which.test(r)) {
                    weights.read(r, row);
                    for (int g = 0; g < groups; g++) {
                        limits[r * groups + g] = limit(Arrays.copyOfRange(row, g * size, Math.min(cols, (g + 1) * size)), blocks[g], rounding);
                    }
                }
            }
        });
        return new Limited(weights, limits, groups, size);
    }

    private static double[][] block(Symmetric moments, double[] scales, int from, int end) {
        double[][] block = moments.block(from, end);
        for (int i = 0; i < block.length; i++) {
            for (int j = 0; j < block.length; j++) {
                block[i][j] /= scales[from + i] * scales[from + j];
            }
        }
        return block;
    }

    private static double limit(double[] weights, double[][] moments, Rounding rounding) {
        double greatest = Arrays.stream(weights).map(Math::abs).max().orElse(0);
        double best = greatest;
        double least = Double.POSITIVE_INFINITY;
        int n = weights.length;
        var errors = new double[n];
        var products = new double[n];
        var clipped = new double[n];
        var scale = new float[1];
        var zero = new byte[1];
        for (int step = 0; step < STEPS; step++) {
            double limit = greatest * (1 - step * STEP);
            for (int i = 0; i < n; i++) {
                clipped[i] = Math.clamp(weights[i], -limit, limit);
            }
            rounding.fit(clipped, 0, n, scale, zero, 0);
            int z = zero[0] & 0xFF;
            for (int i = 0; i < n; i++) {
                errors[i] = (rounding.number(clipped[i], scale[0], z) - z) * (double) scale[0] - weights[i];
            }
            Arrays.fill(products, 0);
            Combination.add(products, 0, n, errors, 0, n, moments, 0);
            double loss = 0;
            for (int i = 0; i < n; i++) {
                loss += products[i] * errors[i];
            }
            if (loss < least) {
                least = loss;
                best = limit;
            }
        }
        return best;
    }

    private record Limited(WeightRows weights, double[] limits, int groups, int size) implements WeightRows {
        @Override
        public int rows() {
            return weights.rows();
        }

        @Override
        public int cols() {
            return weights.cols();
        }

        @Override
        public void read(int row, double[] to) {
            weights.read(row, to);
            for (int i = 0; i < weights.cols(); i++) {
                double limit = limits[row * groups + i / size];
                to[i] = Math.clamp(to[i], -limit, limit);
            }
        }
    }
}
