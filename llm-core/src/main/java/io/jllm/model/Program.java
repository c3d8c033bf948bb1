package io.jllm.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A forward pass: a straight list of ops from token ids to logits, the same for every batch shape. Every value is assigned
 * once, and all that changes between steps is in the step's batch.
 *
 * @param config the model
 * @param ops in order
 * @param values all activations, by id
 * @param logits the result: one row of {@code config.vocab()} for each wanted row
 */
public record Program(ModelConfig config, List<Op> ops, List<Value> values, Value logits) {
    /** Copies the lists. */
    public Program {
        ops = List.copyOf(ops);
        values = List.copyOf(values);
    }

    /** Builds a program op by op; each method returns the new value. */
    public static final class Builder {
        private final ModelConfig c;
        private final List<Op> ops = new ArrayList<>();
        private final List<Value> values = new ArrayList<>();

        /** For a model. */
        public Builder(ModelConfig config) {
            this.c = config;
        }

        /** Rows of the embedding table. */
        public Value embed(String table) {
            return emit(new Op.Embed(value(c.hidden(), Value.Rows.TOKENS), table));
        }

        /** Root-mean-square norm. */
        public Value rmsNorm(Value x, String weight) {
            return emit(new Op.RmsNorm(value(x.width(), x.rows()), x, weight, c.normEps()));
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
        public Value ropeStoreKv(Value qkv, int layer, Optional<Op.QkNorm> norm) {
            return emit(new Op.RopeStoreKv(value(c.shape().qDim(), qkv.rows()), qkv, layer, c.shape(), c.rope(), norm));
        }

        /** Attention with the model's window for that layer and scores divided by the square root of the head's length. */
        public Value attention(Value q, int layer) {
            float scale = (float) (1 / Math.sqrt(c.headDim()));
            return emit(new Op.PagedAttention(value(q.width(), q.rows()), q, layer, c.shape(), scale, c.windows().get(layer), 0));
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
            return new Program(c, ops, values, logits);
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
