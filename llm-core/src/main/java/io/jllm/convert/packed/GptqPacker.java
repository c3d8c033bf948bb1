package io.jllm.convert.packed;

import io.jllm.ModelLoadException;
import io.jllm.convert.packed.layer.ExpertStage;
import io.jllm.convert.packed.layer.Layer;
import io.jllm.convert.packed.layer.Linear;
import io.jllm.convert.packed.layer.Overlay;
import io.jllm.convert.packed.layer.Stage;
import io.jllm.convert.packed.solve.GptqSolver;
import io.jllm.convert.packed.solve.Moments;
import io.jllm.convert.packed.solve.Rounding;
import io.jllm.quant.DType;
import io.jllm.quant.Tensor;
import io.jllm.quant.WeightSource;
import io.jllm.quant.Weights;
import io.jllm.quant.safetensors.GroupNumbers;
import io.jllm.quant.safetensors.StoredTensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Map;

/** GPTQ, product by product, with the inputs that what was quantised before leads to. */
record GptqPacker(PackMethod.Gptq method, PackContext context) implements LayerPacker {
    @Override
    public boolean wantsText() {
        return true;
    }

    @Override
    public Packed pack(Layer layer, MemorySegment inputs, Arena arena) throws IOException {
        var tensors = new ArrayList<StoredTensor>();
        var values = new HashMap<String, Weights>();
        for (Stage stage : layer.stages()) {
            var modules = context.modules(stage);
            long weights = modules.stream().mapToLong(m -> (long) m.rows() * m.cols()).sum();
            context.meter().begin(weights);
            WeightSource now = method.sequential() ? new Overlay(context.model().weights(), values) : context.model().weights();
            Moments moments = context.moments(layer, stage, inputs, now);
            GptqSolver solver = GptqSolver.of(moments.meanSquares(context.parallel()), method.actOrder(), method.damping(), context.parallel())
                    .orElseThrow(() -> new ModelLoadException("the inputs of " + modules.getFirst().name()
                            + " are not finite, or of no use: the text or the model is broken"));
            var rounding = new Rounding(method.numbers().bits(), method.numbers().symmetric());
            for (Linear m : modules) {
                var groups = new GptqSolver.Groups(rounding, PackContext.size(method.groupSize(), m.cols()), method.staticGroups());
                GroupNumbers numbers = solver.round(m, groups, context.parallel());
                tensors.addAll(numbers.gptq(m.name(), !method.numbers().second()));
                values(m, numbers, arena, values);
            }
            context.meter().add(weights);
        }
        var experts = new ExpertPacker(method, context);
        for (ExpertStage stage : layer.expertStages()) {
            experts.pack(layer, stage, inputs, arena, tensors, values);
        }
        return new Packed(tensors, values);
    }

    /** What readers will unpack. */
    private static void values(Linear module, GroupNumbers numbers, Arena arena, Map<String, Weights> to) {
        var row = new float[module.cols()];
        for (Linear.Part part : module.parts()) {
            long bytes = (long) row.length * Float.BYTES;
            MemorySegment data = arena.allocate(part.weights().rows() * bytes, Float.BYTES);
            int first = module.firstRow(part);
            for (int r = 0; r < part.weights().rows(); r++) {
                numbers.decode(first + r, row);
                MemorySegment.copy(row, 0, data, ValueLayout.JAVA_FLOAT, r * bytes, row.length);
            }
            to.put(part.weights().name(), new Tensor(part.weights().name(), DType.F32, part.weights().rows(), row.length, data));
        }
    }
}
