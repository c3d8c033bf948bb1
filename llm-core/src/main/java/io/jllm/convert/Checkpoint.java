package io.jllm.convert;

import io.jllm.model.RowOrder;
import io.jllm.quant.Assembled;
import io.jllm.quant.DType;
import io.jllm.quant.Tensor;
import io.jllm.quant.WeightSource;
import io.jllm.quant.Weights;
import io.jllm.quant.gguf.GgufValue;
import java.util.List;
import java.util.Map;

/** A model to be converted. */
record Checkpoint(Map<String, GgufValue> metadata, List<Item> tensors, WeightSource weights) implements AutoCloseable {
    /**
     * A tensor to be written.
     *
     * @param data where its values are
     * @param shape as GGUF has it, the contiguous dimension first
     * @param order what becomes of its rows, or of the values of a bias
     */
    record Item(Weights data, List<Long> shape, RowOrder order) {
        String name() {
            return data.name();
        }

        /** How its values are stored. */
        DType type() {
            return switch (data) {
                case Tensor t -> t.type();
                case Assembled a -> a.type();
            };
        }

        boolean isVector() {
            return shape.size() < 2;
        }
    }

    @Override
    public void close() {
        weights.close();
    }
}
