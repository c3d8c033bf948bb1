package io.jllm.convert;

import io.jllm.model.RowOrder;
import io.jllm.quant.DType;
import io.jllm.quant.WeightSource;
import io.jllm.quant.Weights;
import io.jllm.quant.gguf.GgufValue;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/** A model to be converted. */
record Checkpoint(Map<String, GgufValue> metadata, List<Item> tensors, WeightSource weights) implements AutoCloseable {
    /** As llama.cpp orders tensors: those of no layer first, then layer by layer. */
    static final Comparator<Item> ORDER = Comparator.<Item>comparingInt(t -> layer(t.name())).thenComparing(Item::name);

    private static final Pattern LAYER = Pattern.compile("blk\\.(\\d{1,9})\\..*");

    /** The layer that a tensor belongs to; -1 for none. */
    static int layer(String name) {
        var matcher = LAYER.matcher(name);
        return matcher.matches() ? Integer.parseInt(matcher.group(1)) : -1;
    }

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

        /** How its values are stored; what no file has in that form counts as floats, which it is read as. */
        DType type() {
            return data.stored().filter(type -> type.ggmlId() >= 0).orElse(DType.F32);
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
