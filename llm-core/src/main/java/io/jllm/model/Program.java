package io.jllm.model;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

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

    /**
     * The model's last hidden state: what the product that makes the logits multiplies, after the last norm. Empty if the logits come of
     * something else. It keeps its place until the next step.
     */
    public Optional<Value> hidden() {
        Value at = logits;
        for (int i = ops.size() - 1; i >= 0; i--) {
            Op op = ops.get(i);
            if (op.out().equals(at)) {
                switch (op) {
                    case Op.Scale s -> at = s.in();
                    case Op.Linear l when l.residual().isEmpty() && l.in().rows() == Value.Rows.LOGITS -> {
                        return Optional.of(l.in());
                    }
                    default -> {
                        return Optional.empty();
                    }
                }
            }
        }
        return Optional.empty();
    }

    /** The ops that the hidden state needs: all but those that make logits of it. */
    public List<Op> body() {
        int last = hidden().map(h -> IntStream.range(0, ops.size()).filter(i -> ops.get(i).out().equals(h)).findFirst().orElseThrow() + 1)
                .orElse(ops.size());
        return ops.subList(0, last);
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

    /** How long texts are rotated, where that is otherwise than short ones; each way once. None if all texts are rotated alike. */
    public List<Rope.Longer> longer() {
        return ops.stream().flatMap(op -> op.rotation().stream()).flatMap(rope -> rope.longer().stream()).distinct().toList();
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
            return emit(new Op.RmsNorm(like(x), x, weight, eps));
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

        /** Adds learned positions: rows of a table of so many, from {@code offset} on. */
        public Value addPositions(Value x, String table, int rows, int offset) {
            return emit(new Op.AddPositions(like(x), x, table, rows, offset));
        }

        /** Layer norm. */
        public Value layerNorm(Value x, Optional<String> weight, Optional<String> bias, float eps) {
            return emit(new Op.LayerNorm(like(x), x, weight, bias, eps));
        }

        /** Rotates, stores keys and values, returns queries. */
        public Value ropeStoreKv(Value qkv, int layer, Op.AttentionShape shape, Rope rope, Optional<Op.QkNorm> norm) {
            return emit(new HeadOp.RopeStoreKv(value(shape.qDim(), qkv.rows()), qkv, layer, shape, rope, norm));
        }

        /** Norms of heads of q and k, and limits. */
        public Value normHeads(Value qkv, Op.AttentionShape shape, Optional<HeadOp.HeadNorm> q, Optional<HeadOp.HeadNorm> k, float clip) {
            return emit(new HeadOp.NormHeads(like(qkv), qkv, shape, q, k, clip));
        }

        /** Rotates, and stores nothing. */
        public Value rotate(Value qkv, Op.AttentionShape shape, Rope rope) {
            return emit(new HeadOp.Rotate(like(qkv), qkv, shape, rope));
        }

        /** Queries times a factor that grows with the position. */
        public Value scaleQueries(Value q, float scale, int every, int offset) {
            return emit(new HeadOp.ScaleQueries(like(q), q, scale, every, offset));
        }

        /** Attention whose scores are divided by the square root of the head's length, without a cap; a window of 0 sees all positions. */
        public Value attention(Value q, int layer, Op.AttentionShape shape, int window) {
            return attention(q, layer, shape, Scores.of(shape.headDim()).window(window));
        }

        /** Attention. */
        public Value attention(Value q, int layer, Op.AttentionShape shape, Scores scores) {
            return emit(new Op.PagedAttention(like(q), q, layer, shape, scores));
        }

        /** Gated activation; halves the width. */
        public Value gated(Value gateUp, Op.Activation kind) {
            return emit(new Op.GatedAct(value(gateUp.width() / 2, gateUp.rows()), gateUp, kind));
        }

        /** Activation without a gate. */
        public Value act(Value x, Op.Activation kind) {
            return emit(new Op.Act(like(x), x, kind));
        }

        /** a + scale * b. */
        public Value add(Value a, Value b, float scale) {
            return emit(new Op.Add(like(a), a, b, scale, Optional.empty()));
        }

        /** a + b / (1 + exp(-gate)), with one gate a row. */
        public Value addGated(Value a, Value b, Value gate) {
            return emit(new Op.Add(like(a), a, b, 1, Optional.of(gate)));
        }

        /** factor * x, softly capped if the cap is above 0. */
        public Value scale(Value x, float factor, float softCap) {
            return emit(new Op.Scale(like(x), x, factor, softCap));
        }

        /** Experts for each row, and their weights. */
        public Value route(Value logits, int topK, ExpertOp.Scoring scoring, Optional<String> bias, Optional<ExpertOp.Groups> groups,
                boolean normalised, float scale) {
            return emit(new ExpertOp.Route(value(2 * topK, logits.rows()), logits, topK, scoring, bias, groups, normalised, scale));
        }

        /** One or several products of x by the experts of each row. */
        public Value expertLinear(Value x, Value route, int experts, boolean weighted, Weight... weights) {
            int width = 0;
            for (Weight w : weights) {
                width += w.rows() * (route.width() / 2);
            }
            return emit(new ExpertOp.ExpertLinear(value(width, x.rows()), x, route, List.of(weights), experts, weighted));
        }

        /** The sum over the experts of each row. */
        public Value expertSum(Value x, Value route, int experts, boolean weighted, Weight weight, Optional<Value> residual) {
            return emit(new ExpertOp.ExpertSum(value(weight.rows(), x.rows()), x, route, weight, experts, weighted, residual));
        }

        /** Queries, key and value of latent attention. */
        public Value latentQkv(Value q, Value kv, String keys, LatentOp.LatentShape shape, String norm, float eps) {
            return emit(new LatentOp.LatentQkv(value(shape.attention().qkvDim(), q.rows()), q, kv, keys, shape, norm, eps));
        }

        /** A product for each head. */
        public Value headLinear(Value x, String weight, int heads, int rows, int skip) {
            return emit(new LatentOp.HeadLinear(value(heads * rows, x.rows()), x, weight, heads, skip));
        }

        /** Only the rows whose logits are wanted. */
        public Value selectRows(Value x) {
            return emit(new Op.SelectRows(value(x.width(), Value.Rows.LOGITS), x));
        }

        /** The program that ends in those logits. */
        public Program build(Value logits) {
            return new Program(ops, values, logits);
        }

        private Value like(Value x) {
            return value(x.width(), x.rows());
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
