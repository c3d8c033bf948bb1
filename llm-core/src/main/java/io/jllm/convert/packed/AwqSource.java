package io.jllm.convert.packed;

import io.jllm.convert.packed.layer.Layer;
import io.jllm.convert.packed.layer.Stage;
import io.jllm.model.HeadOp;
import io.jllm.model.Op;
import io.jllm.model.Value;
import java.util.Optional;

/** What makes the inputs of products, and can make them smaller by factors of its own, so that the products' weights may be larger. */
sealed interface AwqSource {
    /**
     * A norm with weights.
     *
     * @param weight its tensor
     * @param bias what it adds, if it does
     */
    record Norm(String weight, Optional<String> bias) implements AwqSource {
    }

    /**
     * Some outputs of another product, which the inputs are in proportion to.
     *
     * @param op the product
     * @param first the first of the outputs
     */
    record Rows(Op.Linear op, int first) implements AwqSource {
    }

    /** Nothing can. */
    record None() implements AwqSource {
    }

    /** That of a stage. */
    static AwqSource of(Layer layer, Stage stage) {
        if (!layer.readers(stage.in()).stream().allMatch(Op.Linear.class::isInstance)) {
            return new None();
        }
        return layer.maker(stage.in()).map(maker -> switch (maker) {
            case Op.RmsNorm n -> new Norm(n.weight(), Optional.empty());
            case Op.LayerNorm n when n.weight().isPresent() -> new Norm(n.weight().get(), n.bias());
            case Op.GatedAct a when a.kind() != Op.Activation.SWIGLU_OAI -> rows(layer, a.gateUp(), a.out().width());
            case Op.PagedAttention a when a.shape().heads() == a.shape().kvHeads() -> values(layer, a);
            default -> new None();
        }).orElse(new None());
    }

    /** Outputs of a product that nobody else reads, from one on. */
    private static AwqSource rows(Layer layer, Value value, int first) {
        return layer.readers(value).size() == 1 && layer.maker(value).orElse(null) instanceof Op.Linear l && l.residual().isEmpty()
                ? new Rows(l, first) : new None();
    }

    /** Those that are the values of an attention, whose heads are as many as the queries'. */
    private static AwqSource values(Layer layer, Op.PagedAttention attention) {
        for (Op op : layer.ops()) {
            if (op instanceof HeadOp.RopeStoreKv store && store.layer() == attention.layer()) {
                return rows(layer, store.qkv(), store.shape().qDim() + store.shape().kvDim());
            }
        }
        return new None();
    }
}
