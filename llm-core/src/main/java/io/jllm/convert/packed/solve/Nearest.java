package io.jllm.convert.packed.solve;

import io.jllm.convert.packed.algebra.Parallel;
import io.jllm.quant.safetensors.GroupNumbers;
import java.io.IOException;
import java.util.stream.IntStream;

/** Rounds each weight to the nearest number, by scales of the least and the greatest weight of each group. */
public final class Nearest {
    private static final int ROWS = 16;

    private Nearest() {
    }

    /**
     * Rounds a matrix.
     *
     * @param size columns of a group
     */
    public static GroupNumbers round(WeightRows weights, Rounding rounding, int size, Parallel parallel) throws IOException {
        int rows = weights.rows();
        int cols = weights.cols();
        int groups = Math.ceilDiv(cols, size);
        var numbers = new byte[Math.multiplyExact(rows, cols)];
        var scales = new float[Math.multiplyExact(rows, groups)];
        var zeros = new byte[scales.length];
        parallel.each(Math.ceilDiv(rows, ROWS), task -> {
            var row = new double[cols];
            for (int r = task * ROWS; r < Math.min(rows, (task + 1) * ROWS); r++) {
                weights.read(r, row);
                for (int g = 0; g < groups; g++) {
                    int place = r * groups + g;
                    int end = Math.min(cols, (g + 1) * size);
                    rounding.fit(row, g * size, end, scales, zeros, place);
                    for (int c = g * size; c < end; c++) {
                        numbers[r * cols + c] = (byte) rounding.number(row[c], scales[place], zeros[place] & 0xFF);
                    }
                }
            }
        });
        return new GroupNumbers(rows, cols, rounding.bits(), numbers, scales, zeros, IntStream.range(0, cols).map(c -> c / size).toArray());
    }
}
