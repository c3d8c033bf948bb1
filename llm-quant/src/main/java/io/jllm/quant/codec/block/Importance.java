package io.jllm.quant.codec.block;

/**
 * How much errors of each column of a matrix count: the mean square of what the column is multiplied with, say.
 *
 * @param of one number a column, 0 or more and finite; none where all count alike
 */
public record Importance(float[] of) {
    /** All columns count alike. */
    public static final Importance NONE = new Importance(new float[0]);

    /** Whether columns differ. */
    public boolean isGiven() {
        return of.length > 0;
    }

    /**
     * Weights of a group of values: importance times {@code sqrt(variance + x^2)}, so that of columns that matter as much the larger values
     * count more. Source: ggml.
     *
     * @param index how many values before the first, counted from the start of a row; a group does not reach over a row's end
     * @param weights receives as many as it has room for
     */
    public void weigh(float[] x, int at, int index, float variance, float[] weights) {
        int column = column(index);
        for (int j = 0; j < weights.length; j++) {
            float v = x[at + j];
            weights[j] = of[column + j] * (float) Math.sqrt(variance + v * v);
        }
    }

    /** The column of the value with that index. */
    public int column(int index) {
        return index % of.length;
    }

    /** The mean square of the row that holds the value with that index, where a block knows too few values to tell. */
    public float rowVariance(float[] x, int at, int index) {
        return Groups.sumOfSquares(x, at + index - column(index), of.length) / of.length;
    }
}
