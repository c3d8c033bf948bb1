package io.jllm.model;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Mixtures of experts: products by matrices that each row chooses for itself. A matrix of experts is one tensor, the rows of the first
 * expert, then those of the second, and so on.
 */
public sealed interface ExpertOp extends Op {
    /**
     * Chooses experts: out = their numbers, as floats, the heaviest first, then their weights. Of equal scores the lower number is chosen.
     *
     * @param logits one for each expert
     * @param topK experts a row
     * @param scoring makes scores of logits
     * @param bias a tensor that is added to scores for the choice, not to the weights; one number for each expert
     * @param groups limits the choice
     * @param normalised whether weights are divided by their sum and 1e-20, so that all of 0 stay 0
     * @param scale multiplies weights then
     */
    record Route(Value out, Value logits, int topK, Scoring scoring, Optional<String> bias, Optional<Groups> groups, boolean normalised,
                 float scale) implements ExpertOp {
        @Override
        public List<Value> inputs() {
            return List.of(logits);
        }

        @Override
        public List<WeightShape> tensors() {
            return bias.stream().map(name -> WeightShape.vector(name, logits.width())).toList();
        }
    }

    /**
     * For each matrix, for each expert that the route chose, in its order: W in + b. So the results of the first matrix for all its experts
     * stand before those of the second, as {@link Op.GatedAct} wants gates and ups.
     *
     * @param weights their rows are those of one expert; a bias has one row of numbers for each expert
     * @param experts how many there are
     * @param weighted whether results are multiplied by the route's weights
     */
    record ExpertLinear(Value out, Value in, Value route, List<Weight> weights, int experts, boolean weighted) implements ExpertOp {
        @Override
        public List<Value> inputs() {
            return List.of(in, route);
        }

        @Override
        public List<WeightShape> tensors() {
            return weights.stream().flatMap(w -> ExpertOp.tensors(w, experts, in.width())).toList();
        }
    }

    /**
     * Sum over the experts that the route chose, k-th of which gets the k-th part of in: W in_k + b, each multiplied by the route's weight
     * if {@code weighted}; and the residual.
     */
    record ExpertSum(Value out, Value in, Value route, Weight weight, int experts, boolean weighted, Optional<Value> residual)
            implements ExpertOp {
        @Override
        public List<Value> inputs() {
            return residual.map(r -> List.of(in, route, r)).orElse(List.of(in, route));
        }

        @Override
        public List<WeightShape> tensors() {
            return ExpertOp.tensors(weight, experts, in.width() / topK()).toList();
        }

        /** Experts a row. */
        public int topK() {
            return route.width() / 2;
        }
    }

    /**
     * Groups of neighbouring experts: only those of some groups can be chosen.
     *
     * @param count groups; divides the number of experts
     * @param chosen how many groups count
     * @param best a group's score is the sum of so many of its best experts' scores, bias included
     */
    record Groups(int count, int chosen, int best) {
    }

    /** How scores come from logits. */
    sealed interface Scoring {
        /** Softmax over all experts. */
        record Softmax() implements Scoring {
        }

        /** 1 / (1 + exp(-x)) of each. */
        record Sigmoid() implements Scoring {
        }

        /**
         * Two experts by SparseMixer-2: each is the highest that is left, weighed by softmax over those left that are near enough to it:
         * highest - x at most 2 {@code jitter} times max(|x|, highest). Source: Liu and others, GRIN, 2024.
         */
        record SparseMixer(float jitter) implements Scoring {
        }
    }

    private static Stream<WeightShape> tensors(Weight w, int experts, int cols) {
        return Stream.concat(Stream.of(new WeightShape(w.name(), (long) experts * w.rows(), cols, experts)),
                w.bias().stream().map(b -> new WeightShape(b, experts, w.rows())));
    }
}
