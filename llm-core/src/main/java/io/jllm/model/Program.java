package io.jllm.model;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Optional;

/**
 * A forward pass: a straight list of ops from token ids to logits, the same for every batch shape. Every value is assigned
 * once, and all that changes between steps is in the step's batch. Sizes are those of its ops and values: they may differ from layer
 * to layer.
 *
 * @param ops in order
 * @param values all activations, by id
 * @param logits the result: one row for each wanted row, as wide as the vocabulary
 */
public record Program(List<Op> ops, List<Value> values, Value logits) {
    /**
     * Copies the lists.
     *
     * @throws IllegalArgumentException if two ops have another idea of the same layer of the KV cache
     */
    public Program {
        ops = List.copyOf(ops);
        values = List.copyOf(values);
        var layers = new HashMap<Integer, CachedLayer>();
        for (Op op : ops) {
            op.cachedLayer().ifPresent(c -> {
                CachedLayer other = layers.putIfAbsent(c.layer(), c);
                if (other != null && !other.equals(c)) {
                    throw new IllegalArgumentException("layer " + c.layer() + " of the KV cache has " + other.kvHeads() + " heads of "
                            + other.headDim() + " for one op, and " + c.kvHeads() + " of " + c.headDim() + " for another");
                }
            });
        }
    }

    /** Tokens that logits are for. */
    public int vocab() {
        return logits.width();
    }

    /** The layers of the KV cache, each once, in order of first use. */
    public List<CachedLayer> cachedLayers() {
        return ops.stream().flatMap(op -> op.cachedLayer().stream()).distinct().toList();
    }

    /** Places for which an array over the layers of the KV cache needs room: one more than the greatest number of a layer. */
    public int cachedLayerRoom() {
        return cachedLayers().stream().mapToInt(c -> c.layer() + 1).max().orElse(0);
    }

    /** Floats of keys and values that one position takes in the KV cache, over all layers. */
    public long kvFloatsPerToken() {
        return cachedLayers().stream().mapToLong(CachedLayer::floatsPerToken).sum();
    }

    /** Builds a program op by op; each method returns the new value. */
    public static final class Builder {
        private final List<Op> ops = new ArrayList<>();
        private final List<Value> values = new ArrayList<>();

        /** Of no ops yet. */
        public Builder() {
        }

        /** Rows of the embedding table: so many, of that width. */
        public Value embed(String table, int rows, int width) {
            return emit(new Op.Embed(value(width, Value.Rows.TOKENS), table, rows));
        }

        /** Root-mean-square norm. */
        public Value rmsNorm(Value x, String weight, float eps) {
            return emit(new Op.RmsNorm(value(x.width(), x.rows()), x, weight, eps));
        }

        /** One or several products of x, side by side. */
        public Value linear(Value x, Weight... weights) {
            int width = 0;
            for (Weight w : weights) {
                width += w.rows();
            }
            return emit(new Op.Linear(value(width, x.rows()), x, List.of(weights), Optional.empty()));
        }

        /** residual + W x. */
        public Value linearAdd(Value residual, Value x, Weight weight) {
            return emit(new Op.Linear(value(residual.width(), residual.rows()), x, List.of(weight), Optional.of(residual)));
        }

        /** Rotates, stores keys and values, returns queries. */
        public Value ropeStoreKv(Value qkv, int layer, Op.AttentionShape shape, Rope rope, Optional<Op.QkNorm> norm) {
            return emit(new Op.RopeStoreKv(value(shape.qDim(), qkv.rows()), qkv, layer, shape, rope, norm));
        }

        /** Attention whose scores are divided by the square root of the head's length, without a cap; a window of 0 sees all positions. */
        public Value attention(Value q, int layer, Op.AttentionShape shape, int window) {
            return attention(q, layer, shape, (float) (1 / Math.sqrt(shape.headDim())), window, 0);
        }

        /** Attention, as {@link Op.PagedAttention} says. */
        public Value attention(Value q, int layer, Op.AttentionShape shape, float scale, int window, float softCap) {
            return emit(new Op.PagedAttention(value(q.width(), q.rows()), q, layer, shape, scale, window, softCap));
        }

        /** Gated activation; halves the width. */
        public Value gated(Value gateUp, Op.Activation kind) {
            return emit(new Op.GatedAct(value(gateUp.width() / 2, gateUp.rows()), gateUp, kind));
        }

        /** Only the rows whose logits are wanted. */
        public Value selectRows(Value x) {
            return emit(new Op.SelectRows(value(x.width(), Value.Rows.LOGITS), x));
        }

        /** The program that ends in those logits. */
        public Program build(Value logits) {
            return new Program(ops, values, logits);
        }

        private Value emit(Op op) {
            ops.add(op);
            return op.out();
        }

        private Value value(int width, Value.Rows rows) {
            var v = new Value(values.size(), width, rows);
            values.add(v);
            return v;
        }
    }
}
