package io.jllm.cuda.adapter;

import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.model.Weight;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** The places of a program that adapters can change, numbered: matrices of products, embedding tables and norms. Immutable. */
public final class Places {
    private final Map<String, Integer> products = new HashMap<>();
    private final Map<String, Integer> tables = new HashMap<>();
    private final Map<Norm, Integer> norms = new HashMap<>();
    private int count;

    /**
     * A norm, by its tensors.
     *
     * @param weight its weight
     * @param bias its bias
     */
    public record Norm(Optional<String> weight, Optional<String> bias) {
        /** That of an op. */
        public static Norm of(Op.RmsNorm n) {
            return new Norm(Optional.of(n.weight()), Optional.empty());
        }

        /** That of an op. */
        public static Norm of(Op.LayerNorm n) {
            return new Norm(n.weight(), n.bias());
        }

        boolean has(String tensor) {
            return weight.filter(tensor::equals).isPresent() || bias.filter(tensor::equals).isPresent();
        }
    }

    /** Those of a program. */
    public Places(Program program) {
        for (Op op : program.ops()) {
            switch (op) {
                case Op.Linear l -> {
                    for (Weight w : l.weights()) {
                        number(products, w.name());
                    }
                }
                case Op.Embed e -> number(tables, e.table());
                case Op.RmsNorm n -> number(norms, Norm.of(n));
                case Op.LayerNorm n -> number(norms, Norm.of(n));
                default -> { } // adapters change nothing else
            }
        }
    }

    private <K> void number(Map<K, Integer> of, K key) {
        if (of.putIfAbsent(key, count) == null) {
            count++;
        }
    }

    /** How many there are. */
    public int count() {
        return count;
    }

    /** The number of a matrix that a program multiplies with, by its name. */
    public int product(String tensor) {
        return known(products, tensor);
    }

    /** The number of an embedding table, by its name. */
    public int table(String tensor) {
        return known(tables, tensor);
    }

    /** The number of a norm of the program. */
    public int norm(Norm norm) {
        return norms.get(norm);
    }

    Map<Norm, Integer> norms() {
        return norms;
    }

    private static int known(Map<String, Integer> places, String tensor) {
        Integer number = places.get(tensor);
        if (number == null) {
            throw new IllegalArgumentException("the program has no matrix " + tensor + " that an adapter can change");
        }
        return number;
    }
}
