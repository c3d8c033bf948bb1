package io.jllm.convert.packed;

import io.jllm.convert.packed.algebra.Parallel;
import io.jllm.convert.packed.layer.ExpertStage;
import io.jllm.convert.packed.layer.Layer;
import io.jllm.convert.packed.layer.LayerRunner;
import io.jllm.convert.packed.layer.Linear;
import io.jllm.convert.packed.layer.Stage;
import io.jllm.convert.packed.solve.Moments;
import io.jllm.load.LoadedModel;
import io.jllm.quant.WeightSource;
import io.jllm.quant.safetensors.HuggingFaceWeights;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.function.Consumer;

/**
 * What all layers are quantised with.
 *
 * @param model the model
 * @param checkpoint its tensors as its folder has them
 * @param runner computes inputs
 * @param parallel loops over cores
 * @param meter is told how far it has come
 * @param notes are told to whoever asked
 */
record PackContext(LoadedModel model, HuggingFaceWeights checkpoint, LayerRunner runner, Parallel parallel, Meter meter,
        Consumer<String> notes) {
    /** The modules of products. */
    List<Linear> modules(Stage stage) {
        return Linear.of(stage, model, checkpoint);
    }

    /** Weights of all experts of a stage. */
    static long weights(ExpertStage stage) {
        return stage.weights().stream().mapToLong(w -> (long) stage.experts() * w.rows() * stage.width()).sum();
    }

    /** Columns of a group of a matrix. */
    static int size(int groupSize, int cols) {
        return groupSize == PackMethod.WHOLE ? cols : groupSize;
    }

    /** Of the inputs of a stage, over all tokens. */
    Moments moments(Layer layer, Stage stage, MemorySegment inputs, WeightSource weights) throws IOException {
        var moments = new Moments(stage.in().width());
        double share = 1.0 / runner.tokens();
        runner.run(layer, inputs, stage.in(), weights, (rows, count) -> {
            moments.add(rows, count, parallel);
            meter.part(count * share);
        });
        return moments;
    }
}
