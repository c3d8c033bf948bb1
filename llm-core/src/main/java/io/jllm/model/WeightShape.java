package io.jllm.model;

import java.util.LinkedHashSet;
import java.util.List;

/**
 * A tensor that a program reads, and the shape that it must have.
 *
 * @param name the tensor's name
 * @param rows rows; 1 for the vectors of norms and biases
 * @param cols values a row
 * @param matrices of how many matrices, one after another, these are the rows: of experts, or of heads; files may give it as a dimension
 */
public record WeightShape(String name, long rows, long cols, int matrices) {
    /** That of one matrix, or of a vector. */
    public WeightShape(String name, long rows, long cols) {
        this(name, rows, cols, 1);
    }

    /** Its dimensions, the contiguous one first, as GGUF has them. */
    public List<Long> dimensions() {
        return rows == 1 ? List.of(cols) : matrices == 1 ? List.of(cols, rows) : List.of(cols, rows / matrices, (long) matrices);
    }

    /** All tensors of a program, each once, in order of first use. */
    public static List<WeightShape> of(Program program) {
        var all = new LinkedHashSet<WeightShape>();
        program.ops().forEach(op -> all.addAll(op.tensors()));
        return List.copyOf(all);
    }

    /** That of a norm or bias. */
    static WeightShape vector(String name, long length) {
        return new WeightShape(name, 1, length);
    }
}
