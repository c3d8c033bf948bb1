package io.jllm.convert.packed;

import io.jllm.convert.packed.layer.Layer;
import io.jllm.convert.packed.layer.Linear;
import io.jllm.convert.packed.layer.Stage;
import io.jllm.convert.packed.solve.Nearest;
import io.jllm.convert.packed.solve.Rounding;
import io.jllm.quant.safetensors.StoredTensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
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
                int size = PackContext.size(method.groupSize(), m.cols());
                tensors.addAll(Nearest.round(m, rounding, size, context.parallel()).gptq(m.name(), !method.numbers().second()));
                context.meter().add((long) m.rows() * m.cols());
            }
        }
        return new Packed(tensors, Map.of());
    }
}
