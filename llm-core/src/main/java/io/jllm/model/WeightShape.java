package io.jllm.model;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * A tensor that a program reads, and the shape that it must have.
 *
 * @param name the tensor's name
 * @param rows rows; 1 for the vectors of norms and biases
 * @param cols values a row
 */
public record WeightShape(String name, long rows, long cols) {
    /** All tensors of a program, each once, in order of first use. */
    public static List<WeightShape> of(Program program) {
        var all = new LinkedHashSet<WeightShape>();
        for (Op op : program.ops()) {
            add(all, op, program.config());
        }
        return List.copyOf(all);
    }

    private static void add(Set<WeightShape> all, Op op, ModelConfig config) {
        switch (op) {
            case Op.Embed e -> all.add(new WeightShape(e.table(), config.vocab(), e.out().width()));
            case Op.RmsNorm n -> all.add(vector(n.weight(), n.out().width()));
            case Op.Linear l -> l.weights().forEach(w -> {
                all.add(new WeightShape(w.name(), w.rows(), l.in().width()));
                w.bias().ifPresent(b -> all.add(vector(b, w.rows())));
            });
            case Op.RopeStoreKv r -> r.norm().ifPresent(n -> {
                all.add(vector(n.qWeight(), r.shape().headDim()));
                all.add(vector(n.kWeight(), r.shape().headDim()));
            });
            case Op.PagedAttention _, Op.GatedAct _, Op.SelectRows _ -> { }
        }
    }

    private static WeightShape vector(String name, long length) {
        return new WeightShape(name, 1, length);
    }
}
