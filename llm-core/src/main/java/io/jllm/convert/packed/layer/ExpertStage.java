package io.jllm.convert.packed.layer;

import io.jllm.ModelLoadException;
import io.jllm.load.LoadedModel;
import io.jllm.model.Value;
import io.jllm.model.Weight;
import io.jllm.quant.Tensor;
import io.jllm.quant.Weights;
import io.jllm.quant.safetensors.HuggingFaceWeights;
import java.util.ArrayList;
import java.util.List;

/**
 * Matrices of experts of a layer that have the same input.
 *
 * @param in the input: a row of a token's, or one behind the other for each expert that it chose
 * @param route the experts that a token chose, as {@link io.jllm.model.ExpertOp.Route} gives them
 * @param weights the matrices, all experts of each in one, as the program has them
 * @param experts how many there are
 * @param inputs how many inputs a row of {@code in} has: 1, or one for each expert that a token chose
 */
public record ExpertStage(Value in, Value route, List<Weight> weights, int experts, int inputs) {
    private static final String STACKED = "_exps.weight";
    private static final String WEIGHT = ".weight";

    /** Inputs of a matrix. */
    public int width() {
        return in.width() / inputs;
    }

    /** Experts that a token chooses. */
    public int chosen() {
        return route.width() / 2;
    }

    /**
     * The modules of an expert.
     *
     * @throws ModelLoadException if the checkpoint does not hold experts one by one, or not as floats
     */
    public List<Expert> modules(int expert, LoadedModel model, HuggingFaceWeights checkpoint) {
        var modules = new ArrayList<Expert>();
        for (Weight w : weights) {
            String single = w.name().endsWith(STACKED)
                    ? w.name().substring(0, w.name().length() - STACKED.length()) + "." + expert + WEIGHT : w.name();
            var origin = checkpoint.origin(single).filter(o -> o.tensor().endsWith(WEIGHT) && o.firstRow() == 0);
            if (origin.isEmpty() || !(checkpoint.get(single) instanceof Tensor t) || t.rows() != w.rows()) {
                throw new ModelLoadException("the checkpoint holds the experts of " + w.name() + " otherwise than one by one: GPTQ is not made of "
                        + "such a family here; --type Q4_K_M and others are");
            }
            Weights values = Linear.floats(t, origin.get().tensor());
            modules.add(new Expert(origin.get().tensor().substring(0, origin.get().tensor().length() - WEIGHT.length()), w, values));
        }
        return modules;
    }
}
