package io.jllm.spi;

import io.jllm.model.ExpertOp.Scoring;
import io.jllm.model.LatentOp;
import io.jllm.model.ModelConfig;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.model.Rope;
import io.jllm.model.Scores;
import io.jllm.model.Value;
import io.jllm.model.Weight;
import io.jllm.model.WeightShape;
import io.jllm.quant.DType;
import io.jllm.quant.Encoder;
import io.jllm.quant.Tensor;
import io.jllm.quant.WeightSource;
import io.jllm.quant.Weights;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;

/** Small models with random weights in memory, for tests that need a model but no file. */
public final class TinyModels {
    private TinyModels() {
    }

    /** Tensors in memory, by name. */
    public record MemoryWeights(Map<String, Tensor> tensors) implements WeightSource {
        @Override
        public Set<String> names() {
            return Collections.unmodifiableSet(tensors.keySet());
        }

        @Override
        public Optional<Weights> find(String name) {
            return Optional.ofNullable(tensors.get(name));
        }

        @Override
        public void close() {
            // memory belongs to the garbage collector
        }
    }

    /** A llama-like model of 2 layers, 4 query heads over 2 key and value heads of 16, 64 floats wide, 256 positions. */
    public static ModelConfig config(int vocab) {
        return config(vocab, 2, 64, 96, new Op.AttentionShape(4, 2, 16), 256, 0);
    }

    /** A llama-like model with tied embeddings and plain NEOX rotation of whole heads; {@code window} positions seen, 0 for all. */
    public static ModelConfig config(int vocab, int layers, int hidden, int ffn, Op.AttentionShape shape, int maxContext, int window) {
        return new ModelConfig("llama", layers, hidden, ffn, shape.heads(), shape.kvHeads(), shape.headDim(), vocab, maxContext, 1e-5f,
                rope(shape.headDim(), Rope.Layout.NEOX, 1), Collections.nCopies(layers, window), true, ModelConfig.Biases.NONE);
    }

    /** Rotation of the first {@code dim} dimensions with base 10,000. */
    public static Rope rope(int dim, Rope.Layout layout, float attentionFactor) {
        var freq = new float[dim / 2];
        for (int i = 0; i < freq.length; i++) {
            freq[i] = (float) Math.pow(10_000, -2.0 * i / dim);
        }
        return new Rope(dim, layout, freq, attentionFactor);
    }

    /** The forward pass of a llama-like model. */
    public static Program program(ModelConfig c) {
        var p = new Program.Builder();
        int qDim = c.shape().qDim();
        int kvDim = c.shape().kvDim();
        Value x = p.embed("token_embd.weight", c.vocab(), c.hidden());
        for (int l = 0; l < c.layers(); l++) {
            String blk = "blk." + l + ".";
            Value qkv = p.linear(p.rmsNorm(x, blk + "attn_norm.weight", c.normEps()), weight(blk + "attn_q", qDim, c.biases().qkv()),
                    weight(blk + "attn_k", kvDim, c.biases().qkv()), weight(blk + "attn_v", kvDim, c.biases().qkv()));
            Value q = p.ropeStoreKv(qkv, l, c.shape(), c.rope(), Optional.empty());
            Value attention = p.attention(q, l, c.shape(), c.windows().get(l));
            x = p.linearAdd(x, attention, weight(blk + "attn_output", c.hidden(), c.biases().attentionOutput()));
            Value gateUp = p.linear(p.rmsNorm(x, blk + "ffn_norm.weight", c.normEps()), weight(blk + "ffn_gate", c.ffn(), c.biases().mlp()),
                    weight(blk + "ffn_up", c.ffn(), c.biases().mlp()));
            x = p.linearAdd(x, p.gated(gateUp, Op.Activation.SILU), weight(blk + "ffn_down", c.hidden(), c.biases().mlp()));
        }
        Value last = p.rmsNorm(p.selectRows(x), "output_norm.weight", c.normEps());
        String table = c.tiedEmbeddings() ? "token_embd.weight" : "output.weight";
        return p.build(p.linear(last, new Weight(table, c.vocab(), Optional.empty())));
    }

    /** A model of so many layers of attention and a mixture beside a gated expert that all share. */
    public static Program mixture(int vocab, int width, int ffn, int layers) {
        var shape = new Op.AttentionShape(4, 2, 16);
        var p = new Program.Builder();
        Value x = p.embed("table", vocab, width);
        for (int l = 0; l < layers; l++) {
            Value h = p.rmsNorm(x, l + ".norm", 1e-5f);
            Value qkv = p.linear(h, matrix(l + ".q", shape.qDim()), matrix(l + ".k", shape.kvDim()), matrix(l + ".v", shape.kvDim()));
            Value q = p.ropeStoreKv(qkv, l, shape, rope(16, Rope.Layout.NEOX, 1), Optional.empty());
            x = p.linearAdd(x, p.attention(q, l, shape, 0), matrix(l + ".o", width));
            h = p.rmsNorm(x, l + ".ffn_norm", 1e-5f);
            Value route = p.route(p.linear(h, matrix(l + ".router", 6)), 3, new Scoring.Softmax(), Optional.empty(), Optional.empty(), true, 1);
            Value gateUp = p.expertLinear(h, route, 6, false, matrix(l + ".gates", ffn), matrix(l + ".ups", ffn));
            Value mixed = p.expertSum(p.gated(gateUp, Op.Activation.SILU), route, 6, true, matrix(l + ".downs", width), Optional.of(x));
            Value shared = p.linear(p.gated(p.linear(h, matrix(l + ".gate", ffn), matrix(l + ".up", ffn)), Op.Activation.SILU),
                    matrix(l + ".down", width));
            x = p.addGated(mixed, shared, p.linear(h, matrix(l + ".shared", 1)));
        }
        return p.build(p.linear(p.rmsNorm(p.selectRows(x), "norm", 1e-5f), matrix("out", vocab)));
    }

    /** A model of so many layers of latent attention. */
    public static Program latent(int vocab, int width, int layers) {
        var shape = new LatentOp.LatentShape(3, 64, 16, 32);
        var p = new Program.Builder();
        Value x = p.embed("table", vocab, width);
        for (int l = 0; l < layers; l++) {
            Value h = p.rmsNorm(x, l + ".norm", 1e-5f);
            Value q = p.linear(h, matrix(l + ".q", shape.heads() * (shape.nope() + shape.rope())));
            Value kv = p.linear(h, matrix(l + ".kv", shape.latent() + shape.rope()));
            Value qkv = p.latentQkv(q, kv, l + ".keys", shape, l + ".latent_norm", 1e-5f);
            Value stored = p.ropeStoreKv(qkv, l, shape.attention(), rope(shape.rope(), Rope.Layout.INTERLEAVED, 1), Optional.empty());
            Value seen = p.attention(stored, l, shape.attention(), Scores.scaled(0.25f));
            Value values = p.headLinear(seen, l + ".values", shape.heads(), 32, shape.rope());
            x = p.linearAdd(x, values, matrix(l + ".o", width));
        }
        return p.build(p.linear(p.rmsNorm(p.selectRows(x), "norm", 1e-5f), matrix("out", vocab)));
    }

    private static Weight matrix(String name, int rows) {
        return new Weight(name, rows, Optional.empty());
    }

    private static Weight weight(String name, int rows, boolean bias) {
        return new Weight(name + ".weight", rows, bias ? Optional.of(name + ".bias") : Optional.empty());
    }

    /** Random float32 weights for a program. */
    public static MemoryWeights weights(Program program, long seed) {
        return weights(program, DType.F32, seed);
    }

    /**
     * Random weights for a program: norms near 1, other vectors small, matrices of variance 1 / columns.
     *
     * @param type of the matrices; vectors are float32, and so are matrices whose rows do not fill its blocks
     */
    public static MemoryWeights weights(Program program, DType type, long seed) {
        var random = new Random(seed);
        var tensors = new LinkedHashMap<String, Tensor>();
        for (WeightShape w : WeightShape.of(program)) {
            var values = new float[Math.toIntExact(w.rows() * w.cols())];
            boolean norm = w.name().contains("norm");
            double deviation = w.rows() > 1 ? 1 / Math.sqrt(w.cols()) : 0.1;
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) (random.nextGaussian() * deviation + (norm ? 1 : 0));
            }
            DType stored = w.rows() > 1 && w.cols() % type.blockElements() == 0 ? type : DType.F32;
            tensors.put(w.name(), tensor(w.name(), stored, w.rows(), w.cols(), values));
        }
        return new MemoryWeights(tensors);
    }

    /** A tensor of those values in a storage type. */
    public static Tensor tensor(String name, DType type, long rows, long cols, float[] values) {
        MemorySegment data = Arena.ofAuto().allocate(type.bytes(rows * cols), 64);
        Encoder.of(type).orElseThrow(() -> new IllegalArgumentException("no encoder for " + type))
                .encode(values, 0, values.length, data, 0);
        return new Tensor(name, type, rows, cols, data);
    }

    /** A random tensor of any type that can be read, named after it. */
    public static Tensor random(DType type, long rows, long cols, long seed) {
        return Oracle.random(type.name(), type, rows, cols, seed);
    }

    /** A batch of one sequence: those tokens from a position, blocks 0, 1, 2, ... in order, logits of the last {@code logits}. */
    public static StepBatch single(List<Integer> tokens, int position, int blockSize, int logits) {
        int n = tokens.size();
        var b = new StepBatch(n, 1, logits, (position + n + blockSize - 1) / blockSize);
        for (int i = 0; i < n; i++) {
            b.tokenIds[i] = tokens.get(i);
            b.positions[i] = position + i;
            b.kvSlots[i] = position + i;
        }
        for (int i = 0; i < b.maxBlocks; i++) {
            b.blockTable[i] = i;
        }
        for (int i = 0; i < logits; i++) {
            b.logitRow[i] = n - logits + i;
        }
        b.queryStart[1] = n;
        b.contextLength[0] = position + n;
        b.tokens = n;
        b.sequences = 1;
        b.logitRows = logits;
        return b;
    }
}
