package io.jllm.convert.packed.layer;

import io.jllm.ModelLoadException;
import io.jllm.convert.packed.solve.WeightRows;
import io.jllm.load.LoadedModel;
import io.jllm.model.Op;
import io.jllm.model.Weight;
import io.jllm.quant.DType;
import io.jllm.quant.Weights;
import io.jllm.quant.safetensors.HuggingFaceWeights;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A linear module of a checkpoint, whose output rows may be of several matrices of the program.
 *
 * @param name the module's name in the checkpoint
 * @param parts its matrices, in the order of their rows
 */
public record Linear(String name, List<Part> parts) implements WeightRows {
    private static final String WEIGHT = ".weight";
    private static final Set<DType> FLOATS = Set.of(DType.F32, DType.F16, DType.BF16, DType.F64);

    /**
     * A matrix of the program.
     *
     * @param op the product that it is of
     * @param firstOutput where its outputs begin among those of the product
     * @param weights its values
     */
    public record Part(Op.Linear op, int firstOutput, Weights weights) {
    }

    /**
     * The modules of a stage, in the order of its products.
     *
     * @throws ModelLoadException if the checkpoint holds matrices otherwise than the program has them, or not as floats
     */
    public static List<Linear> of(Stage stage, LoadedModel model, HuggingFaceWeights checkpoint) {
        Map<String, List<Part>> modules = new LinkedHashMap<>();
        for (Op.Linear op : stage.products()) {
            int output = 0;
            for (Weight w : op.weights()) {
                Weights weights = model.weights().get(w.name());
                var origin = checkpoint.origin(w.name()).filter(o -> o.tensor().endsWith(WEIGHT) && checkpoint.get(w.name()) == weights)
                        .orElseThrow(() -> new ModelLoadException("matrix " + w.name() + " stands transposed, or in another order of rows, in the "
                                + "checkpoint: GPTQ and AWQ are not made of this family here; --type Q4_K_M and others are"));
                floats(weights, origin.tensor());
                List<Part> parts = modules.computeIfAbsent(origin.tensor(), _ -> new ArrayList<>());
                if (origin.firstRow() != parts.stream().mapToLong(p -> p.weights().rows()).sum()) {
                    throw new ModelLoadException("the rows of " + origin.tensor() + " are in another order than the model has them");
                }
                parts.add(new Part(op, output, weights));
                output += w.rows();
            }
        }
        return modules.entrySet().stream().map(e -> new Linear(e.getKey().substring(0, e.getKey().length() - WEIGHT.length()), e.getValue()))
                .toList();
    }

    /**
     * The same weights.
     *
     * @throws ModelLoadException if they are no floats
     */
    static Weights floats(Weights weights, String tensor) {
        if (weights.stored().filter(FLOATS::contains).isEmpty()) {
            throw new ModelLoadException("matrix " + tensor + " is of type " + weights.format()
                    + ": only floats of 16 bits or more are quantised; give the model as its makers published it");
        }
        return weights;
    }

    @Override
    public int rows() {
        return Math.toIntExact(parts.stream().mapToLong(p -> p.weights.rows()).sum());
    }

    @Override
    public int cols() {
        return Math.toIntExact(parts.getFirst().weights.cols());
    }

    @Override
    public void read(int row, double[] to) {
        Part part = part(row);
        var values = new float[cols()];
        part.weights.decode(row - firstRow(part), 1, values, 0);
        for (int i = 0; i < values.length; i++) {
            to[i] = values[i];
        }
    }

    /** The matrix that a row is of. */
    public Part part(int row) {
        int left = row;
        for (Part p : parts) {
            if (left < p.weights.rows()) {
                return p;
            }
            left -= (int) p.weights.rows();
        }
        throw new IndexOutOfBoundsException(row);
    }

    /** The first row of a matrix. */
    public int firstRow(Part part) {
        return Math.toIntExact(parts.stream().takeWhile(p -> p != part).mapToLong(p -> p.weights.rows()).sum());
    }

    /** Which output of its product a row is. */
    public int output(int row) {
        Part part = part(row);
        return part.firstOutput + row - firstRow(part);
    }
}
