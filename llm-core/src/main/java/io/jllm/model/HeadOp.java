package io.jllm.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** Ops on the heads of q, k and v between their products and attention. All have the rows of tokens. */
public sealed interface HeadOp extends Op {
    /**
     * Splits qkv (heads of q, then of k, then of v), norms heads of q and k if asked, rotates q and k, writes k and v to the
     * pages of {@code layer}; out = q.
     */
    record RopeStoreKv(Value out, Value qkv, int layer, Op.AttentionShape shape, Rope rope, Optional<Op.QkNorm> norm) implements HeadOp {
        @Override
        public List<Value> inputs() {
            return List.of(qkv);
        }

        @Override
        public List<WeightShape> tensors() {
            return norm.stream().flatMap(n -> Stream.of(WeightShape.vector(n.qWeight(), shape.headDim()),
                    WeightShape.vector(n.kWeight(), shape.headDim()))).toList();
        }

        @Override
        public Optional<CachedLayer> cachedLayer() {
            return Optional.of(shape.cached(layer));
        }

        @Override
        public Optional<Rope> rotation() {
            return Optional.of(rope);
        }
    }

    /**
     * Norms of q and k that {@link Op.QkNorm} is not enough for, and limits: in and out are q, k and v side by side. Each number is limited to
     * {@code [-clip, clip]} after the norms, those of v too.
     *
     * @param q norm of q, if there is one
     * @param k norm of k, if there is one
     * @param clip 0 for no limit
     */
    record NormHeads(Value out, Value in, Op.AttentionShape shape, Optional<HeadNorm> q, Optional<HeadNorm> k, float clip) implements HeadOp {
        @Override
        public List<Value> inputs() {
            return List.of(in);
        }

        @Override
        public List<WeightShape> tensors() {
            var all = new ArrayList<WeightShape>();
            q.ifPresent(n -> n.addTo(all, shape.heads(), shape.headDim()));
            k.ifPresent(n -> n.addTo(all, shape.kvHeads(), shape.headDim()));
            return List.copyOf(all);
        }
    }

    /** Rotates q and k; in and out are q, k and v side by side. */
    record Rotate(Value out, Value in, Op.AttentionShape shape, Rope rope) implements HeadOp {
        @Override
        public Optional<Rope> rotation() {
            return Optional.of(rope);
        }

        @Override
        public List<Value> inputs() {
            return List.of(in);
        }

        @Override
        public List<WeightShape> tensors() {
            return List.of();
        }
    }

    /** out = in * (1 + scale * ln(1 + floor((position + offset) / every))): the temperature of attention in long contexts. */
    record ScaleQueries(Value out, Value in, float scale, int every, int offset) implements HeadOp {
        /** The factor at a position. */
        public float factor(int position) {
            return (float) (1 + scale * Math.log1p((position + offset) / every));
        }

        @Override
        public List<Value> inputs() {
            return List.of(in);
        }

        @Override
        public List<WeightShape> tensors() {
            return List.of();
        }
    }

    /**
     * A norm of heads.
     *
     * @param kind of norm
     * @param scope what it goes over
     * @param weight multiplies it: floats of a head if {@link Scope#ALIKE}, of a head a row if {@link Scope#EACH}, of all heads if {@link Scope#ALL}
     * @param bias is added then; of the same shape
     * @param eps added to the mean square, or to the variance
     */
    record HeadNorm(Kind kind, Scope scope, Optional<String> weight, Optional<String> bias, float eps) {
        private void addTo(List<WeightShape> all, int heads, int dim) {
            Stream.concat(weight.stream(), bias.stream()).forEach(name -> all.add(switch (scope) {
                case ALIKE -> WeightShape.vector(name, dim);
                case EACH -> new WeightShape(name, heads, dim);
                case ALL -> WeightShape.vector(name, (long) heads * dim);
            }));
        }
    }

    /** Kinds of norms. */
    enum Kind {
        /** As {@link Op.RmsNorm}. */
        RMS,
        /** As {@link Op.LayerNorm}. */
        LAYER
    }

    /** What a norm of heads goes over. */
    enum Scope {
        /** Each head, all with one weight. */
        ALIKE,
        /** Each head, with a weight of its own. */
        EACH,
        /** All heads as one row. */
        ALL
    }
}
