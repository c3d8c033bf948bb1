package io.jllm.convert.packed;

import io.jllm.convert.packed.layer.Expert;
import io.jllm.convert.packed.layer.ExpertStage;
import io.jllm.convert.packed.layer.Layer;
import io.jllm.convert.packed.layer.Linear;
import io.jllm.convert.packed.layer.Stage;
import io.jllm.convert.packed.solve.Nearest;
import io.jllm.convert.packed.solve.Rounding;
import io.jllm.convert.packed.solve.WeightRows;
import io.jllm.quant.safetensors.StoredTensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Each weight by itself. */
record NearestPacker(PackMethod.Nearest method, PackContext context) implements LayerPacker {
    @Override
    public boolean wantsText() {
        return false;
    }

    @Override
    public Packed pack(Layer layer, MemorySegment inputs, Arena arena) throws IOException {
        var tensors = new ArrayList<StoredTensor>();
        var rounding = new Rounding(method.numbers().bits(), method.numbers().symmetric());
        for (Stage stage : layer.stages()) {
            for (Linear m : context.modules(stage)) {
                tensors.addAll(rounded(m, m.name(), rounding));
            }
        }
        for (ExpertStage stage : layer.expertStages()) {
            for (int e = 0; e < stage.experts(); e++) {
                for (Expert m : stage.modules(e, context.model(), context.checkpoint())) {
                    tensors.addAll(rounded(m, m.name(), rounding));
                }
            }
        }
        return new Packed(tensors, Map.of());
    }

    private List<StoredTensor> rounded(WeightRows module, String name, Rounding rounding) throws IOException {
        int size = PackContext.size(method.groupSize(), module.cols());
        List<StoredTensor> tensors = Nearest.round(module, rounding, size, context.parallel()).gptq(name, !method.numbers().second());
        context.meter().add((long) module.rows() * module.cols());
        return tensors;
    }
}
