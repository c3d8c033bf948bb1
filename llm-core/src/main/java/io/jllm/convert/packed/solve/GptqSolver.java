package io.jllm.convert.packed.solve;

import io.jllm.convert.packed.algebra.Combination;
import io.jllm.convert.packed.algebra.InverseFactor;
import io.jllm.convert.packed.algebra.Parallel;
import io.jllm.convert.packed.algebra.Symmetric;
import io.jllm.quant.safetensors.GroupNumbers;
import java.io.IOException;
import java.util.Comparator;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Rounds matrices column by column, each time making up for the error by the columns that are still to come, as the inputs of a text say: GPTQ.
 * Sources: Frantar, Ashkboos, Hoefler and Alistarh, 2022; AutoGPTQ ({@code gptq.py}, {@code quantizer.py}), whose order of steps is kept: blocks
 * of 128 columns, behind which errors are made up for at once, and scales of a group that are found when its first column is met, of what the
 * blocks before have made of its weights. It differs in that scales are rounded to half precision before they are used, and that a column which no
 * input meets is given the mean of the diagonal, not 1. One solver serves all matrices that have the same inputs.
 */
public final class GptqSolver {
    private static final int BLOCK = 128;
    private static final int TILE = 512;
    private static final int ROWS = 64;
    private static final double MORE_DAMPING = 10;

    private final int[] order;
    private final boolean[] unmet;
    private final double[][] upper;

    private GptqSolver(int[] order, boolean[] unmet, double[][] upper) {
        this.order = order;
        this.unmet = unmet;
        this.upper = upper;
    }

    /**
     * How groups get their scales.
     *
     * @param rounding to numbers
     * @param size columns of a group
     * @param fixed whether groups are of columns that stand together, with scales of the weights as they were; otherwise of columns that follow
     *     each other in the order in which they are rounded, with scales of what they have become
     */
    public record Groups(Rounding rounding, int size, boolean fixed) {
    }

    /**
     * Prepares for inputs.
     *
     * @param moments the mean of x times its transpose over inputs x; it is changed
     * @param byImportance whether columns are rounded in falling order of their mean squares, not as they stand
     * @param damping what is added to the diagonal, as a share of its mean; more where that is not enough
     * @return empty if the matrix cannot be made positive definite, as where inputs are not finite
     */
    public static Optional<GptqSolver> of(Symmetric moments, boolean byImportance, double damping, Parallel parallel) throws IOException {
        int n = moments.size();
        var unmet = new boolean[n];
        int met = 0;
        for (int i = 0; i < n; i++) {
            unmet[i] = moments.get(i, i) == 0;
            met += unmet[i] ? 0 : 1;
        }
        double mean = met == 0 ? 1 : moments.meanDiagonal() * n / met;
        for (int i = 0; i < n; i++) {
            if (unmet[i]) {
                moments.set(i, i, mean);
            }
        }
        int[] order = IntStream.range(0, n).boxed()
                .sorted(byImportance ? Comparator.comparingDouble((Integer i) -> -moments.get(i, i)) : Comparator.<Integer>naturalOrder())
                .mapToInt(i -> i).toArray();
        for (double share = damping; share <= 1; share *= MORE_DAMPING) {
            Optional<double[][]> upper = InverseFactor.of(moments, order, share * mean, parallel);
            if (upper.isPresent()) {
                return Optional.of(new GptqSolver(order, unmet, upper.get()));
            }
        }
        return Optional.empty();
    }

    /** Rounds a matrix. */
    public GroupNumbers round(WeightRows weights, Groups groups, Parallel parallel) throws IOException {
        int rows = weights.rows();
        int cols = weights.cols();
        int count = Math.ceilDiv(cols, groups.size);
        var groupOf = new int[cols];
        for (int i = 0; i < cols; i++) {
            groupOf[order[i]] = (groups.fixed ? order[i] : i) / groups.size;
        }
        var made = new GroupNumbers(rows, cols, groups.rounding.bits(), new byte[Math.multiplyExact(rows, cols)],
                new float[Math.multiplyExact(rows, count)], new byte[rows * count], groupOf);
        parallel.each(Math.ceilDiv(rows, ROWS), task -> {
            int first = task * ROWS;
            new Some(first, Math.min(rows, first + ROWS) - first, groups, made).round(weights);
        });
        return made;
    }

    /** Some rows, which do not touch each other: each thread has its own. */
    private final class Some {
        private final int first;
        private final Groups groups;
        private final GroupNumbers made;
        private final double[][] rows;
        private final double[][] errors;

        Some(int first, int count, Groups groups, GroupNumbers made) {
            this.first = first;
            this.groups = groups;
            this.made = made;
            this.rows = new double[count][order.length];
            this.errors = new double[count][BLOCK];
        }

        void round(WeightRows weights) {
            int cols = order.length;
            var stored = new double[cols];
            for (int r = 0; r < rows.length; r++) {
                weights.read(first + r, stored);
                for (int i = 0; i < cols; i++) {
                    stored[i] = unmet[i] ? 0 : stored[i];
                }
                if (groups.fixed) {
                    for (int c = 0; c < cols; c += groups.size) {
                        fit(stored, r, c);
                    }
                }
                for (int i = 0; i < cols; i++) {
                    rows[r][i] = stored[order[i]];
                }
            }
            var block = new double[BLOCK];
            for (int from = 0; from < cols; from += BLOCK) {
                int end = Math.min(cols, from + BLOCK);
                for (int r = 0; r < rows.length; r++) {
                    roundBlock(r, from, end, block);
                }
                for (int tile = end; tile < cols; tile += TILE) {
                    for (int r = 0; r < rows.length; r++) {
                        Combination.add(rows[r], tile, Math.min(cols, tile + TILE), errors[r], 0, end - from, upper, from);
                    }
                }
            }
        }

        /** @param column the first of a group */
        private void fit(double[] row, int r, int column) {
            groups.rounding.fit(row, column, Math.min(row.length, column + groups.size), made.scales(), made.zeros(),
                    (first + r) * made.groups() + column / groups.size);
        }

        private void roundBlock(int r, int from, int end, double[] block) {
            int cols = order.length;
            System.arraycopy(rows[r], from, block, 0, end - from);
            for (int i = from; i < end; i++) {
                if (!groups.fixed && i % groups.size == 0) {
                    fit(rows[r], r, i);
                }
                int column = order[i];
                int place = (first + r) * made.groups() + made.groupOf()[column];
                int zero = made.zeros()[place] & 0xFF;
                double weight = block[i - from];
                int number = groups.rounding.number(weight, made.scales()[place], zero);
                made.numbers()[(first + r) * cols + column] = (byte) number;
                double[] row = upper[i];
                double error = (weight - (number - zero) * (double) made.scales()[place]) / row[i];
                errors[r][i - from] = -error;
                for (int j = i + 1; j < end; j++) {
                    block[j - from] -= error * row[j];
                }
            }
        }
    }
}
