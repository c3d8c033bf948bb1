package io.jllm.spi;

import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.model.Rope;
import io.jllm.model.Value;
import io.jllm.model.WeightShape;
import io.jllm.quant.Codec;
import io.jllm.quant.Tensor;
import io.jllm.quant.WeightSource;
import io.jllm.sampling.SamplerChain;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The oracle: scalar, one plain loop an op, sums in double. Everything faster is tested against it. Weights are decoded to
 * floats at load; KV blocks are allocated when first written, so a large pool costs nothing.
 */
public final class ReferenceRunner implements ModelRunner {
    private final Program program;
    private final int blockSize;
    private final int vocab;
    private final float[][] values;
    private final float[][][] k; // [layer][block][offset * kvDim + i]
    private final float[][][] v;
    private final Map<String, float[]> weights = new HashMap<>();
    private final SamplerChain chain;
    private final MemorySegment logits;
    private final int blocks;
    private final long kvBlockBytes;
    private long kvBytes;

    /** Loads a program; the weights must fit it. */
    public ReferenceRunner(Program program, WeightSource source, Backend.RunnerOptions options) {
        this.program = program;
        vocab = program.config().vocab();
        blockSize = options.blockSize();
        kvBlockBytes = program.config().kvFloatsPerToken() * blockSize * Float.BYTES;
        blocks = options.kvBytes() == 0 ? options.maxBlocks() : (int) Math.min(options.maxBlocks(), options.kvBytes() / kvBlockBytes);
        if (blocks < 1) {
            throw new IllegalArgumentException("a KV block of " + blockSize + " positions needs " + kvBlockBytes + " bytes, the limit is "
                    + options.kvBytes() + ": raise kvCache");
        }
        values = new float[program.values().size()][];
        for (Value x : program.values()) {
            int rows = x.rows() == Value.Rows.TOKENS ? options.maxTokensPerStep() : options.maxLogitRows();
            values[x.id()] = new float[Math.multiplyExact(x.width(), rows)];
        }
        k = new float[program.config().layers()][blocks][];
        v = new float[program.config().layers()][blocks][];
        for (WeightShape w : WeightShape.of(program)) {
            weights.computeIfAbsent(w.name(), n -> floats(source.get(n)));
        }
        chain = new SamplerChain(vocab);
        logits = Arena.ofAuto().allocate(ValueLayout.JAVA_FLOAT, (long) options.maxLogitRows() * vocab);
    }

    /** All values of a tensor, row after row. */
    public static float[] floats(Tensor t) {
        int n = Math.toIntExact(t.rows() * t.cols());
        var out = new float[n];
        Codec.of(t.type()).orElseThrow(() -> new IllegalArgumentException("no codec for " + t.type())).decode(t.data(), 0, out, 0, n);
        return out;
    }

    @Override
    public int blocks() {
        return blocks;
    }

    @Override
    public void forward(StepBatch b) {
        for (Op op : program.ops()) {
            run(op, b);
        }
        MemorySegment.copy(buf(program.logits()), 0, logits, ValueLayout.JAVA_FLOAT, 0, b.logitRows * vocab);
    }

    /** A value of the last forward pass, row after row; for tests. */
    public float[] value(Value x) {
        return buf(x);
    }

    private float[] buf(Value x) {
        return values[x.id()];
    }

    private void run(Op op, StepBatch b) {
        float[] out = buf(op.out());
        int rows = op.out().rows() == Value.Rows.TOKENS ? b.tokens : b.logitRows;
        int width = op.out().width();
        switch (op) {
            case Op.Embed e -> {
                for (int t = 0; t < rows; t++) {
                    System.arraycopy(weights.get(e.table()), b.tokenIds[t] * width, out, t * width, width);
                }
            }
            case Op.RmsNorm n -> {
                for (int t = 0; t < rows; t++) {
                    rms(buf(n.in()), t * width, width, weights.get(n.weight()), n.eps(), out);
                }
            }
            case Op.Linear l -> linear(l, out, rows);
            case Op.RopeStoreKv r -> ropeStore(r, out, b);
            case Op.PagedAttention a -> attention(a, out, b);
            case Op.GatedAct g -> gated(g, out, rows);
            case Op.SelectRows s -> {
                for (int r = 0; r < rows; r++) {
                    System.arraycopy(buf(s.in()), b.logitRow[r] * width, out, r * width, width);
                }
            }
        }
    }

    private void linear(Op.Linear op, float[] out, int rows) {
        float[] in = buf(op.in());
        int cols = op.in().width();
        int width = op.out().width();
        int at = 0;
        for (var weight : op.weights()) {
            float[] matrix = weights.get(weight.name());
            Optional<float[]> bias = weight.bias().map(weights::get);
            for (int t = 0; t < rows; t++) {
                for (int r = 0; r < weight.rows(); r++) {
                    double sum = bias.isPresent() ? bias.get()[r] : 0;
                    for (int i = 0; i < cols; i++) {
                        sum += (double) matrix[r * cols + i] * in[t * cols + i];
                    }
                    int o = t * width + at + r;
                    out[o] = (float) (op.residual().isPresent() ? sum + buf(op.residual().get())[o] : sum);
                }
            }
            at += weight.rows();
        }
    }

    private void gated(Op.GatedAct op, float[] out, int rows) {
        float[] x = buf(op.gateUp());
        int width = op.out().width();
        for (int t = 0; t < rows; t++) {
            for (int i = 0; i < width; i++) {
                double gate = x[t * 2 * width + i];
                double act = switch (op.kind()) {
                    case SILU -> gate / (1 + Math.exp(-gate));
                    case GELU_TANH -> 0.5 * gate * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (gate + 0.044715 * gate * gate * gate)));
                };
                out[t * width + i] = (float) (act * x[t * 2 * width + width + i]);
            }
        }
    }

    private static void rms(float[] in, int at, int width, float[] weight, float eps, float[] out) {
        double sum = 0;
        for (int i = 0; i < width; i++) {
            sum += (double) in[at + i] * in[at + i];
        }
        double factor = 1 / Math.sqrt(sum / width + eps);
        for (int i = 0; i < width; i++) {
            out[at + i] = (float) (in[at + i] * factor * weight[i]);
        }
    }

    private void ropeStore(Op.RopeStoreKv op, float[] q, StepBatch b) {
        Op.AttentionShape s = op.shape();
        int dim = s.headDim();
        int width = s.qDim() + 2 * s.kvDim();
        for (int t = 0; t < b.tokens; t++) {
            var row = new float[width];
            System.arraycopy(buf(op.qkv()), t * width, row, 0, width);
            for (int h = 0; h < s.heads() + s.kvHeads(); h++) {
                int at = h * dim;
                boolean query = h < s.heads();
                op.norm().ifPresent(n -> rms(row, at, dim, weights.get(query ? n.qWeight() : n.kWeight()), n.eps(), row));
                rotate(op.rope(), row, at, b.positions[t]);
            }
            System.arraycopy(row, 0, q, t * s.qDim(), s.qDim());
            int block = b.kvSlots[t] / blockSize;
            int offset = b.kvSlots[t] % blockSize * s.kvDim();
            System.arraycopy(row, s.qDim(), page(k, op, block), offset, s.kvDim());
            System.arraycopy(row, s.qDim() + s.kvDim(), page(v, op, block), offset, s.kvDim());
        }
    }

    private float[] page(float[][][] cache, Op.RopeStoreKv op, int block) {
        float[][] layer = cache[op.layer()];
        if (layer[block] == null) {
            layer[block] = new float[blockSize * op.shape().kvDim()];
            kvBytes += (long) layer[block].length * Float.BYTES;
        }
        return layer[block];
    }

    private static void rotate(Rope rope, float[] x, int at, int position) {
        int half = rope.rotaryDim() / 2;
        for (int i = 0; i < half; i++) {
            float angle = position * rope.invFreq()[i];
            float cos = (float) Math.cos(angle) * rope.attentionFactor();
            float sin = (float) Math.sin(angle) * rope.attentionFactor();
            boolean neox = rope.layout() == Rope.Layout.NEOX;
            int a = at + (neox ? i : 2 * i);
            int b = neox ? a + half : a + 1;
            float xa = x[a];
            float xb = x[b];
            x[a] = xa * cos - xb * sin;
            x[b] = xa * sin + xb * cos;
        }
    }

    private void attention(Op.PagedAttention op, float[] out, StepBatch b) {
        for (int s = 0; s < b.sequences; s++) {
            for (int t = b.queryStart[s]; t < b.queryStart[s + 1]; t++) {
                for (int h = 0; h < op.shape().heads(); h++) {
                    head(op, b, s, t, h, out);
                }
            }
        }
    }

    private void head(Op.PagedAttention op, StepBatch b, int sequence, int t, int head, float[] out) {
        Op.AttentionShape s = op.shape();
        int dim = s.headDim();
        int kvAt = head / (s.heads() / s.kvHeads()) * dim;
        int qAt = t * s.qDim() + head * dim;
        int last = b.positions[t];
        int first = op.window() > 0 ? Math.max(0, last - op.window() + 1) : 0;
        var p = new double[last + 1];
        double max = Double.NEGATIVE_INFINITY;
        for (int j = first; j <= last; j++) {
            float[] page = k[op.layer()][block(b, sequence, j)];
            int at = j % blockSize * s.kvDim() + kvAt;
            double dot = 0;
            for (int i = 0; i < dim; i++) {
                dot += (double) buf(op.q())[qAt + i] * page[at + i];
            }
            dot *= op.scale();
            p[j] = op.softCap() > 0 ? op.softCap() * Math.tanh(dot / op.softCap()) : dot;
            max = Math.max(max, p[j]);
        }
        double sum = 0;
        for (int j = first; j <= last; j++) {
            p[j] = Math.exp(p[j] - max);
            sum += p[j];
        }
        for (int i = 0; i < dim; i++) {
            double acc = 0;
            for (int j = first; j <= last; j++) {
                acc += p[j] * v[op.layer()][block(b, sequence, j)][j % blockSize * s.kvDim() + kvAt + i];
            }
            out[qAt + i] = (float) (acc / sum);
        }
    }

    private int block(StepBatch b, int sequence, int position) {
        return b.blockTable[sequence * b.maxBlocks + position / blockSize];
    }

    @Override
    public boolean samplesOnDevice(RowSampling row) {
        return true;
    }

    @Override
    public void sample(RowSampling[] rows, int count, int[] tokens, float[] logprobs) {
        for (int r = 0; r < count; r++) {
            if (rows[r] != null) {
                RowSampling s = rows[r];
                tokens[r] = chain.sample(row(r), s.settings(), s.tokens(), s.promptLength(), s.length(), logprobs, r);
            }
        }
    }

    @Override
    public void topK(int[] rows, int k, int[] ids, float[] logprobs) {
        for (int i = 0; i < rows.length; i++) {
            chain.topK(row(rows[i]), k, ids, logprobs, i * k);
        }
    }

    private float[] row(int r) {
        var row = new float[vocab];
        MemorySegment.copy(logits, ValueLayout.JAVA_FLOAT, (long) r * vocab * Float.BYTES, row, 0, vocab);
        return row;
    }

    @Override
    public MemorySegment logits() {
        return logits;
    }

    @Override
    public void forkSlot(int from, int to) {
        // it keeps no state by sequence
    }

    @Override
    public void releaseSlot(int slot) {
        // it keeps no state by sequence
    }

    @Override
    public void copyBlocks(int[] fromTo) {
        for (int i = 0; i < fromTo.length; i += 2) {
            for (int l = 0; l < k.length; l++) {
                copy(k[l], fromTo[i], fromTo[i + 1]);
                copy(v[l], fromTo[i], fromTo[i + 1]);
            }
        }
    }

    private void copy(float[][] layer, int from, int to) {
        kvBytes += layer[to] == null ? (long) layer[from].length * Float.BYTES : 0;
        layer[to] = layer[from].clone();
    }

    @Override
    public MemoryReport memory() {
        long w = weights.values().stream().mapToLong(x -> (long) x.length * Float.BYTES).sum();
        long scratch = 0;
        for (float[] x : values) {
            scratch += (long) x.length * Float.BYTES;
        }
        return new MemoryReport(w, kvBytes, blocks * kvBlockBytes, scratch + logits.byteSize());
    }

    @Override
    public void close() {
        // heap memory only
    }
}
