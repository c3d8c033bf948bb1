package io.jllm.convert.packed.solve;

import io.jllm.convert.packed.algebra.Parallel;
import io.jllm.convert.packed.algebra.Symmetric;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;

/**
 * AWQ's search for scales of inputs: weights of inputs that are large as a rule are made larger before they are rounded, so that their errors are
 * smaller, and the inputs divided by as much. Of 20 scales, x^r / w^(1-r) with r from 0 to 0.95, where x is the mean magnitude of an input and w
 * that of its weights as shares of the greatest of their group, and of no scales at all, those are taken whose products differ least from the true
 * ones, in squares over the text. That sum is computed of the moments of the inputs, for 1,024 outputs at most. Sources: Lin and others, 2023 (the
 * measure is that of equation 4, of the products themselves, for all matrices); AutoAWQ ({@code quantizer.py}), for the scales.
 */
public final class ScaleSearch {
    private static final int STEPS = 20;
    private static final int MOST_ROWS = 1024;
    private static final double LEAST = 1e-4;
    private static final int ROWS = 16;

    private final Rounding rounding;
    private final int size;
    private final Parallel parallel;

    /** @param size columns of a group */
    public ScaleSearch(Rounding rounding, int size, Parallel parallel) {
        this.rounding = rounding;
        this.size = size;
        this.parallel = parallel;
    }

    /**
     * Searches.
     *
     * @param matrices that have the same inputs
     * @param moments the mean of x times its transpose over inputs x
     * @param magnitudes the mean magnitude of each input
     * @return what weights of each input are to be multiplied with
     */
    public double[] find(List<WeightRows> matrices, Symmetric moments, double[] magnitudes) throws IOException {
        double[][] sample = sample(matrices);
        double[] shares = shares(sample);
        var best = new double[magnitudes.length];
        Arrays.fill(best, 1);
        double least = loss(sample, best, moments);
        for (int step = 0; step < STEPS; step++) {
            double[] scales = scales(magnitudes, shares, (double) step / STEPS);
            double loss = loss(sample, scales, moments);
            if (loss < least) {
                least = loss;
                best = scales;
            }
        }
        return best;
    }

    private double[][] sample(List<WeightRows> matrices) {
        int rows = matrices.stream().mapToInt(WeightRows::rows).sum();
        int step = Math.ceilDiv(rows, MOST_ROWS);
        var sample = new double[Math.ceilDiv(rows, step)][matrices.getFirst().cols()];
        int before = 0;
        for (WeightRows m : matrices) {
            for (int r = Math.floorMod(-before, step); r < m.rows(); r += step) {
                m.read(r, sample[(before + r) / step]);
            }
            before += m.rows();
        }
        return sample;
    }

    private double[] shares(double[][] sample) {
        var shares = new double[sample[0].length];
        for (double[] row : sample) {
            for (int from = 0; from < row.length; from += size) {
                int end = Math.min(row.length, from + size);
                double greatest = 0;
                for (int i = from; i < end; i++) {
                    greatest = Math.max(greatest, Math.abs(row[i]));
                }
                for (int i = from; greatest > 0 && i < end; i++) {
                    shares[i] += Math.abs(row[i]) / greatest / sample.length;
                }
            }
        }
        return shares;
    }

    private static double[] scales(double[] magnitudes, double[] shares, double ratio) {
        var scales = new double[magnitudes.length];
        double least = Double.POSITIVE_INFINITY;
        double greatest = 0;
        for (int i = 0; i < scales.length; i++) {
            scales[i] = Math.max(LEAST, Math.pow(Math.max(LEAST, magnitudes[i]), ratio) / (Math.pow(shares[i], 1 - ratio) + LEAST));
            least = Math.min(least, scales[i]);
            greatest = Math.max(greatest, scales[i]);
        }
        double middle = Math.sqrt(least * greatest);
        for (int i = 0; i < scales.length; i++) {
            scales[i] /= middle;
        }
        return scales;
    }

    private double loss(double[][] sample, double[] scales, Symmetric moments) throws IOException {
        int cols = scales.length;
        var errors = new double[cols][sample.length];
        parallel.each(Math.ceilDiv(sample.length, ROWS), task -> {
            var row = new double[cols];
            var factor = new float[1];
            var zero = new byte[1];
            for (int r = task * ROWS; r < Math.min(sample.length, (task + 1) * ROWS); r++) {
                for (int i = 0; i < cols; i++) {
                    row[i] = sample[r][i] * scales[i];
                }
                for (int from = 0; from < cols; from += size) {
                    int end = Math.min(cols, from + size);
                    rounding.fit(row, from, end, factor, zero, 0);
                    int z = zero[0] & 0xFF;
                    for (int i = from; i < end; i++) {
                        errors[i][r] = (rounding.number(row[i], factor[0], z) - z) * (double) factor[0] / scales[i] - sample[r][i];
                    }
                }
            }
        });
        return moments.quadratic(errors, parallel);
    }
}
