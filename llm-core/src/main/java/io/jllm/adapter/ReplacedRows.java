package io.jllm.adapter;

import io.jllm.quant.Weights;

/**
 * Some rows in place of those of a matrix.
 *
 * @param numbers which rows, each once; not to be changed
 * @param values as many rows, of as many columns as the matrix has
 */
public record ReplacedRows(int[] numbers, Weights values) {
    /** Checks that there is a row for each number. */
    public ReplacedRows {
        if (numbers.length != values.rows()) {
            throw new IllegalArgumentException(values.name() + " has " + values.rows() + " rows for " + numbers.length + " numbers");
        }
    }
}
