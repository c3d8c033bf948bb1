package io.jllm.model;

import java.util.List;

/**
 * Attention whose keys and values come from one short vector a position (multi-head latent attention): only that and a rotated part are
 * cached, as one key head, and queries are brought to it instead of keys to them. Source: DeepSeek-V2, 2024.
 */
public sealed interface LatentOp extends Op {
    /**
     * Makes of them what {@link HeadOp.RopeStoreKv} takes, with one key head: for each head h {@code (rope_h, K_h nope_h)}, then the key
     * {@code (rope, c)} and the value {@code (0, c)}, where c is the latent vector, normed as {@link Op.RmsNorm} does.
     *
     * @param q for each head its part without positions ({@code nope}), then the one to be rotated ({@code rope})
     * @param kv the latent vector, then the part to be rotated
     * @param keys a tensor of {@code latent} rows of {@code nope} columns for each head
     * @param norm weight of the latent vector's norm
     * @param eps of that norm
     */
    record LatentQkv(Value out, Value q, Value kv, String keys, LatentShape shape, String norm, float eps) implements LatentOp {
        @Override
        public List<Value> inputs() {
            return List.of(q, kv);
        }

        @Override
        public List<WeightShape> tensors() {
            return List.of(new WeightShape(keys, (long) shape.heads() * shape.latent(), shape.nope(), shape.heads()),
                    WeightShape.vector(norm, shape.latent()));
        }
    }

    /**
     * A product for each head: out_h = W_h in_h, where the first floats of each in_h are left out.
     *
     * @param weight a tensor whose rows are those of the first head, then those of the second, and so on
     * @param heads how many there are
     * @param skip floats that are left out
     */
    record HeadLinear(Value out, Value in, String weight, int heads, int skip) implements LatentOp {
        @Override
        public List<Value> inputs() {
            return List.of(in);
        }

        @Override
        public List<WeightShape> tensors() {
            return List.of(new WeightShape(weight, out.width(), in.width() / heads - skip, heads));
        }
    }

    /**
     * Sizes of latent attention.
     *
     * @param heads query heads
     * @param latent floats of the latent vector
     * @param rope floats of the part that is rotated; even
     * @param nope floats of the part of a head that is not
     */
    record LatentShape(int heads, int latent, int rope, int nope) {
        /** How attention over the cache sees it. */
        public Op.AttentionShape attention() {
            return new Op.AttentionShape(heads, 1, rope + latent);
        }
    }
}
