package io.jllm.convert.packed.layer;

import io.jllm.convert.packed.solve.WeightRows;
import io.jllm.model.Weight;
import io.jllm.quant.Weights;

/**
 * A linear module of a checkpoint that is a matrix of an expert.
 *
 * @param name the module's name in the checkpoint
 * @param matrix the program's, of all experts
 * @param weights its values
 */
public record Expert(String name, Weight matrix, Weights weights) implements WeightRows {
    @Override
    public int rows() {
        return Math.toIntExact(weights.rows());
    }

    @Override
    public int cols() {
        return Math.toIntExact(weights.cols());
    }

    @Override
    public void read(int row, double[] to) {
        var values = new float[cols()];
        weights.decode(row, 1, values, 0);
        for (int i = 0; i < values.length; i++) {
            to[i] = values[i];
        }
    }
}
