package io.jllm.model;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * One step of a forward pass. Data, not behaviour: a backend compiles it with an exhaustive switch, so a new op does not
 * compile until every backend has it. What it reads and keeps it says itself, so that nobody who asks only for that needs a switch.
 */
public sealed interface Op {
    /** What it computes. */
    Value out();

    /**
     * Rows of a table by token id.
     *
     * @param rows how many the table has: token ids are below it
     */
    record Embed(Value out, String table, int rows) implements Op {
    }

    /** out = in / sqrt(mean(in^2) + eps) * weight. Source: Zhang and Sennrich, 2019. */
    record RmsNorm(Value out, Value in, String weight, float eps) implements Op {
    }

    /** out = concat(W1 in + b1, W2 in + b2, ...) [+ residual]: q, k, v in one; gate and up in one. */
    record Linear(Value out, Value in, List<Weight> weights, Optional<Value> residual) implements Op {
    }

    /**
     * Splits qkv (heads of q, then of k, then of v), norms heads of q and k if asked, rotates q and k, writes k and v to the
     * pages of {@code layer}; out = q.
     */
    record RopeStoreKv(Value out, Value qkv, int layer, AttentionShape shape, Rope rope, Optional<QkNorm> norm) implements Op {
    }

    /**
     * Causal attention of q over the pages of {@code layer}. Scores are multiplied by {@code scale}; a token at position p
     * sees positions from {@code p - window + 1}, or all if the window is 0; a soft cap c above 0 turns scores s into
     * c * tanh(s / c).
     */
    record PagedAttention(Value out, Value q, int layer, AttentionShape shape, float scale, int window, float softCap) implements Op {
    }

    /** out = act(gate) * up, where in = concat(gate, up). */
    record GatedAct(Value out, Value gateUp, Activation kind) implements Op {
    }

    /** Keeps the rows whose logits are wanted. */
    record SelectRows(Value out, Value in) implements Op {
    }

    /**
     * Heads of an attention. Query head h reads key and value head {@code h / (heads / kvHeads)}.
     *
     * @param heads query heads
     * @param kvHeads key and value heads; divides heads
     * @param headDim floats a head
     */
    record AttentionShape(int heads, int kvHeads, int headDim) {
        /** Floats of q in a row. */
        public int qDim() {
            return heads * headDim;
        }

        /** Floats of k, and of v, in a row. */
        public int kvDim() {
            return kvHeads * headDim;
        }

        /** What a layer of the KV cache keeps for it. */
        CachedLayer cached(int layer) {
            return new CachedLayer(layer, kvHeads, headDim);
        }
    }

    /** Root-mean-square norms of each head of q and of k, before rotation. */
    record QkNorm(String qWeight, String kWeight, float eps) {
    }

    /** Activation functions. */
    enum Activation {
        /** x / (1 + exp(-x)). */
        SILU("silu", "swish"),
        /** 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))). */
        GELU_TANH("gelu_pytorch_tanh", "gelu_new");

        private final List<String> names;

        Activation(String... names) {
            this.names = List.of(names);
        }

        /** What {@code config.json} may call it, the usual name first. Source: {@code ACT2FN} of the transformers library. */
        public List<String> names() {
            return names;
        }
    }

    /** The values that an op reads. */
    default List<Value> inputs() {
        return switch (this) {
            case Embed _ -> List.of();
            case RmsNorm n -> List.of(n.in());
            case Linear l -> l.residual().map(r -> List.of(l.in(), r)).orElse(List.of(l.in()));
            case RopeStoreKv r -> List.of(r.qkv());
            case PagedAttention a -> List.of(a.q());
            case GatedAct g -> List.of(g.gateUp());
            case SelectRows s -> List.of(s.in());
        };
    }

    /** The tensors that it reads, with the shapes that they must have. One that it reads twice may be there twice. */
    default List<WeightShape> tensors() {
        return switch (this) {
            case Embed e -> List.of(new WeightShape(e.table(), e.rows(), e.out().width()));
            case RmsNorm n -> List.of(WeightShape.vector(n.weight(), n.out().width()));
            case Linear l -> l.weights().stream().flatMap(w -> Stream.concat(
                    Stream.of(new WeightShape(w.name(), w.rows(), l.in().width())),
                    w.bias().stream().map(b -> WeightShape.vector(b, w.rows())))).toList();
            case RopeStoreKv r -> r.norm().stream().flatMap(n -> Stream.of(WeightShape.vector(n.qWeight(), r.shape().headDim()),
                    WeightShape.vector(n.kWeight(), r.shape().headDim()))).toList();
            case PagedAttention _, GatedAct _, SelectRows _ -> List.of();
        };
    }

    /** The layer of the KV cache that it writes or reads, if it does. */
    default Optional<CachedLayer> cachedLayer() {
        return switch (this) {
            case RopeStoreKv r -> Optional.of(r.shape().cached(r.layer()));
            case PagedAttention a -> Optional.of(a.shape().cached(a.layer()));
            case Embed _, RmsNorm _, Linear _, GatedAct _, SelectRows _ -> Optional.empty();
        };
    }
}
