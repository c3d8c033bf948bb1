package io.jllm.convert.packed.solve;

/** A matrix of weights to be quantised, read row by row. Safe for use by many threads. */
public interface WeightRows {
    /** Outputs. */
    int rows();

    /** Inputs. */
    int cols();

    /** Reads a row. */
    void read(int row, double[] to);
}
