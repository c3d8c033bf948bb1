package io.jllm.convert.packed;

import io.jllm.convert.packed.layer.Layer;
import io.jllm.quant.Weights;
import io.jllm.quant.safetensors.StoredTensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;

/** Makes the tensors of a quantised layer. */
interface LayerPacker {
    /**
     * Makes those of a layer.
     *
     * @param inputs what it is given for all tokens; empty where {@link #wantsText} says so
     * @param arena where values of the quantised layer are kept
     */
    Packed pack(Layer layer, MemorySegment inputs, Arena arena) throws IOException;

    /** Whether it goes by the inputs of layers. */
    boolean wantsText();

    /**
     * A quantised layer.
     *
     * @param tensors in place of those of the checkpoint
     * @param values of its matrices, under the program's names, where the next layer is to hear of the errors
     */
    record Packed(List<StoredTensor> tensors, Map<String, Weights> values) {
    }
}
