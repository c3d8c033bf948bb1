package io.jllm.model;

import io.jllm.quant.Tensor;
import io.jllm.quant.WeightSource;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Compares the tensors that a program names with those of a source. */
final class WeightCheck {
    private final WeightSource weights;
    private final Set<String> problems = new LinkedHashSet<>();

    private WeightCheck(WeightSource weights) {
        this.weights = weights;
    }

    static List<String> problems(Program program, WeightSource weights) {
        var check = new WeightCheck(weights);
        for (Op op : program.ops()) {
            switch (op) {
                case Op.Embed e -> check.matrix(e.table(), program.config().vocab(), e.out().width());
                case Op.RmsNorm n -> check.vector(n.weight(), n.in().width());
                case Op.Linear l -> l.weights().forEach(w -> {
                    check.matrix(w.name(), w.rows(), l.in().width());
                    w.bias().ifPresent(b -> check.vector(b, w.rows()));
                });
                case Op.RopeStoreKv r -> r.norm().ifPresent(n -> {
                    check.vector(n.qWeight(), r.shape().headDim());
                    check.vector(n.kWeight(), r.shape().headDim());
                });
                case Op.PagedAttention _, Op.GatedAct _, Op.SelectRows _ -> {
                }
            }
        }
        return List.copyOf(check.problems);
    }

    private void matrix(String name, long rows, long cols) {
        find(name).filter(t -> t.rows() != rows || t.cols() != cols).ifPresent(t -> problems.add("tensor " + name + " is "
                + t.rows() + " x " + t.cols() + "; the configuration says " + rows + " x " + cols));
    }

    private void vector(String name, long length) {
        find(name).filter(t -> t.rows() != 1 || t.cols() != length).ifPresent(t -> problems.add("tensor " + name + " is "
                + t.rows() + " x " + t.cols() + "; the configuration says a vector of " + length));
    }

    private Optional<Tensor> find(String name) {
        var found = weights.find(name);
        if (found.isEmpty()) {
            problems.add("tensor " + name + " is missing");
        }
        return found;
    }
}
