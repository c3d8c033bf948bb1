package io.jllm.model;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * One step of a forward pass. Data, not behaviour: a backend compiles it with an exhaustive switch, so a new op does not
 * compile until every backend has it. What it reads and keeps it says itself, so that nobody who asks only for that needs a switch.
 */
public sealed interface Op permits Op.Embed, Op.AddPositions, Op.RmsNorm, Op.LayerNorm, Op.Linear, HeadOp, Op.PagedAttention, Op.GatedAct, Op.Act,
        Op.Add, Op.Scale, Op.SelectRows, ExpertOp, LatentOp {
    /** What it computes. */
    Value out();

    /** The values that it reads. */
    List<Value> inputs();

    /** The tensors that it reads, with the shapes that they must have. One that it reads twice may be there twice. */
    List<WeightShape> tensors();

    /** The layer of the KV cache that it writes or reads, if it does. */
    default Optional<CachedLayer> cachedLayer() {
        return Optional.empty();
    }

    /** How it rotates queries and keys, if it does. */
    default Optional<Rope> rotation() {
        return Optional.empty();
    }

    /**
     * Rows of a table by token id.
     *
     * @param rows how many the table has: token ids are below it
     */
    record Embed(Value out, String table, int rows) implements Op {
        @Override
        public List<Value> inputs() {
            return List.of();
        }

        @Override
        public List<WeightShape> tensors() {
            return List.of(new WeightShape(table, rows, out.width()));
        }
    }

    /**
     * Learned positions: out = in + the table's row number {@code position + offset}.
     *
     * @param rows how many the table has: positions are below it, less the offset
     */
    record AddPositions(Value out, Value in, String table, int rows, int offset) implements Op {
        @Override
        public List<Value> inputs() {
            return List.of(in);
        }

        @Override
        public List<WeightShape> tensors() {
            return List.of(new WeightShape(table, rows, out.width()));
        }
    }

    /** out = in / sqrt(mean(in^2) + eps) * weight. Source: Zhang and Sennrich, 2019. */
    record RmsNorm(Value out, Value in, String weight, float eps) implements Op {
        @Override
        public List<Value> inputs() {
            return List.of(in);
        }

        @Override
        public List<WeightShape> tensors() {
            return List.of(WeightShape.vector(weight, out.width()));
        }
    }

    /** out = (in - mean(in)) / sqrt(variance(in) + eps) [* weight] [+ bias]. Source: Ba, Kiros and Hinton, 2016. */
    record LayerNorm(Value out, Value in, Optional<String> weight, Optional<String> bias, float eps) implements Op {
        @Override
        public List<Value> inputs() {
            return List.of(in);
        }

        @Override
        public List<WeightShape> tensors() {
            return Stream.concat(weight.stream(), bias.stream()).map(name -> WeightShape.vector(name, out.width())).toList();
        }
    }

    /** out = concat(W1 in + b1, W2 in + b2, ...) [+ residual]: q, k, v in one; gate and up in one. */
    record Linear(Value out, Value in, List<Weight> weights, Optional<Value> residual) implements Op {
        @Override
        public List<Value> inputs() {
            return residual.map(r -> List.of(in, r)).orElse(List.of(in));
        }

        @Override
        public List<WeightShape> tensors() {
            return weights.stream().flatMap(w -> Stream.concat(Stream.of(new WeightShape(w.name(), w.rows(), in.width())),
                    w.bias().stream().map(b -> WeightShape.vector(b, w.rows())))).toList();
        }
    }

    /** Causal attention of q over the pages of {@code layer}, as {@link Scores} says. */
    record PagedAttention(Value out, Value q, int layer, AttentionShape shape, Scores scores) implements Op {
        @Override
        public List<Value> inputs() {
            return List.of(q);
        }

        @Override
        public List<WeightShape> tensors() {
            return scores.sinks().stream().map(name -> WeightShape.vector(name, shape.heads())).toList();
        }

        @Override
        public Optional<CachedLayer> cachedLayer() {
            return Optional.of(shape.cached(layer));
        }
    }

    /** out = act(gate) * up, where in = concat(gate, up). */
    record GatedAct(Value out, Value gateUp, Activation kind) implements Op {
        @Override
        public List<Value> inputs() {
            return List.of(gateUp);
        }

        @Override
        public List<WeightShape> tensors() {
            return List.of();
        }
    }

    /** out = act(in). */
    record Act(Value out, Value in, Activation kind) implements Op {
        /** Checks that the activation is one of a single number. */
        public Act {
            if (kind == Activation.SWIGLU_OAI) {
                throw new IllegalArgumentException(kind + " needs a gate");
            }
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
     * out = a + scale * b; with a gate, a + scale * b / (1 + exp(-gate)).
     *
     * @param gate one number a row
     */
    record Add(Value out, Value a, Value b, float scale, Optional<Value> gate) implements Op {
        @Override
        public List<Value> inputs() {
            return gate.map(g -> List.of(a, b, g)).orElse(List.of(a, b));
        }

        @Override
        public List<WeightShape> tensors() {
            return List.of();
        }
    }

    /** out = factor * in, and of that, if the soft cap c is above 0, c * tanh(out / c). */
    record Scale(Value out, Value in, float factor, float softCap) implements Op {
        @Override
        public List<Value> inputs() {
            return List.of(in);
        }

        @Override
        public List<WeightShape> tensors() {
            return List.of();
        }
    }

    /** Keeps the rows whose logits are wanted. */
    record SelectRows(Value out, Value in) implements Op {
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

        /** Floats of q, k and v in a row. */
        public int qkvDim() {
            return qDim() + 2 * kvDim();
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
        GELU_TANH("gelu_pytorch_tanh", "gelu_new", "gelu_fast", "gelu_python_tanh"),
        /** 0.5 x (1 + erf(x / sqrt(2))). Source: Hendrycks and Gimpel, 2016. */
        GELU("gelu", "gelu_python"),
        /** max(x, 0). */
        RELU("relu"),
        /** max(x, 0)^2. Source: So and others, Primer, 2021. */
        RELU_SQUARED("relu2"),
        /** Of a gate g and u: g' / (1 + exp(-1.702 g')) * (u' + 1), where g' = min(g, 7) and u' is u clamped to [-7, 7]. Source: OpenAI, gpt-oss. */
        SWIGLU_OAI();

        private final List<String> names;

        Activation(String... names) {
            this.names = List.of(names);
        }

        /** What {@code config.json} may call it, the usual name first. Source: {@code ACT2FN} of the transformers library. */
        public List<String> names() {
            return names;
        }
    }
}
