package io.jllm.spi;

import io.jllm.MemoryReport;
import io.jllm.adapter.Adapter;
import io.jllm.model.ExpertOp;
import io.jllm.model.HeadOp;
import io.jllm.model.LatentOp;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.model.Value;
import io.jllm.model.Weight;
import io.jllm.model.WeightShape;
import io.jllm.quant.DType;
import io.jllm.quant.WeightSource;
import io.jllm.quant.Weights;
import io.jllm.sampling.SamplerChain;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/**
 * The oracle: scalar, one plain loop an op, sums in double. Everything faster is tested against it. Weights are decoded to
 * floats at load; KV blocks are allocated when first written, so a large pool costs nothing.
 */
public final class ReferenceRunner implements ModelRunner {
    private final Program program;
    private final int vocab;
    private final float[][] values;
    private final ReferenceAttention attention;
    private final Map<String, float[]> weights = new HashMap<>();
    private final Set<String> blockWeights = new HashSet<>();
    private final ReferenceAdapters adapters = new ReferenceAdapters();
    private final SamplerChain chain;
    private final MemorySegment logits;
    private final int blocks;
    private final long kvBlockBytes;

    /** Loads a program; the weights must fit it. */
    public ReferenceRunner(Program program, WeightSource source, Backend.RunnerOptions options) {
        this(program, source, options, _ -> false);
    }

    /**
     * Loads a program; the weights must fit it.
     *
     * @param quantises which formats of weights meet activations of 8 bits
     */
    public ReferenceRunner(Program program, WeightSource source, Backend.RunnerOptions options, Predicate<DType> quantises) {
        this.program = program;
        vocab = program.vocab();
        int blockSize = options.blockSize();
        kvBlockBytes = Math.max(1, program.kvFloatsPerToken()) * blockSize * Float.BYTES;
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
        for (WeightShape w : WeightShape.of(program)) {
            weights.computeIfAbsent(w.name(), n -> floats(source.get(n)));
            if (w.rows() > 1 && source.get(w.name()).stored().filter(quantises).isPresent()) {
                blockWeights.add(w.name());
            }
        }
        attention = new ReferenceAttention(options.kvType(), program.cachedLayerRoom(), blocks, blockSize, weights);
        chain = new SamplerChain(vocab);
        logits = Arena.ofAuto().allocate(ValueLayout.JAVA_FLOAT, (long) options.maxLogitRows() * vocab);
    }

    /** All values of a tensor, row after row. */
    public static float[] floats(Weights t) {
        var out = new float[Math.toIntExact(t.rows() * t.cols())];
        t.decode(0, Math.toIntExact(t.rows()), out, 0);
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

    @Override
    public MemorySegment hidden() {
        return MemorySegment.ofArray(buf(program.hidden().orElseThrow()));
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
                    adapters.embed(adapter(op, b, t), e.table(), b.tokenIds[t], out, t * width, width);
                }
            }
            case Op.RmsNorm n -> {
                for (int t = 0; t < rows; t++) {
                    float[] weight = adapters.vector(adapter(op, b, t), n.weight(), weights.get(n.weight()));
                    ReferenceAttention.rms(buf(n.in()), t * width, width, weight, n.eps(), out);
                }
            }
            case Op.Linear l -> linear(l, out, rows, b);
            case HeadOp.RopeStoreKv r -> attention.ropeStore(r, buf(r.qkv()), out, b);
            case Op.PagedAttention a -> attention.attend(a, buf(a.q()), out, b);
            case HeadOp.NormHeads n -> ReferenceHeads.norm(n, buf(n.in()), out, rows, weights);
            case HeadOp.Rotate r -> ReferenceHeads.rotate(r, buf(r.in()), out, b);
            case HeadOp.ScaleQueries q -> ReferenceHeads.scale(q, buf(q.in()), out, b);
            case Op.AddPositions p -> {
                float[] table = weights.get(p.table());
                for (int t = 0; t < rows; t++) {
                    for (int i = 0; i < width; i++) {
                        out[t * width + i] = buf(p.in())[t * width + i] + table[(b.positions[t] + p.offset()) * width + i];
                    }
                }
            }
            case Op.LayerNorm n -> {
                for (int t = 0; t < rows; t++) {
                    int adapter = adapter(op, b, t);
                    ReferenceRows.layerNorm(buf(n.in()), t * width, width, n.weight().map(w -> adapters.vector(adapter, w, weights.get(w))),
                            n.bias().map(w -> adapters.vector(adapter, w, weights.get(w))), 0, n.eps(), out);
                }
            }
            case Op.GatedAct g -> ReferenceRows.gated(g, buf(g.gateUp()), out, rows);
            case Op.Act a -> {
                for (int i = 0; i < rows * width; i++) {
                    out[i] = (float) ReferenceRows.activate(a.kind(), buf(a.in())[i]);
                }
            }
            case Op.Add a -> ReferenceRows.add(a, buf(a.a()), buf(a.b()), a.gate().map(this::buf), out, rows);
            case Op.Scale s -> {
                for (int i = 0; i < rows * width; i++) {
                    double x = (double) s.factor() * buf(s.in())[i];
                    out[i] = (float) (s.softCap() > 0 ? s.softCap() * Math.tanh(x / s.softCap()) : x);
                }
            }
            case ExpertOp.Route r -> ReferenceExperts.route(r, buf(r.logits()), r.bias().map(weights::get), out, rows);
            case ExpertOp.ExpertLinear l -> ReferenceExperts.linear(l, experts(l.in(), l.weights(), rows), buf(l.route()), weights, out, rows);
            case ExpertOp.ExpertSum e -> ReferenceExperts.sum(e, experts(e.in(), List.of(e.weight()), rows).getFirst(), buf(e.route()), weights,
                    e.residual().map(this::buf), out, rows);
            case LatentOp.LatentQkv l -> ReferenceLatent.qkv(l, buf(l.q()), buf(l.kv()), weights, blockWeights.contains(l.keys()), out, rows);
            case LatentOp.HeadLinear l -> ReferenceLatent.linear(l, buf(l.in()), weights.get(l.weight()), blockWeights.contains(l.weight()), out,
                    rows);
            case Op.SelectRows s -> {
                for (int r = 0; r < rows; r++) {
                    System.arraycopy(buf(s.in()), b.logitRow[r] * width, out, r * width, width);
                }
            }
        }
    }

    private static int adapter(Op op, StepBatch b, int row) {
        return ReferenceAdapters.of(b, op.out().rows(), row);
    }

    private void linear(Op.Linear op, float[] out, int rows, StepBatch b) {
        float[] in = buf(op.in());
        int cols = op.in().width();
        int width = op.out().width();
        int at = 0;
        for (var weight : op.weights()) {
            float[] matrix = weights.get(weight.name());
            float[] x = blockWeights.contains(weight.name()) ? quantized(in, rows * cols) : in;
            Optional<float[]> bias = weight.bias().map(weights::get);
            for (int t = 0; t < rows; t++) {
                int adapter = adapter(op, b, t);
                for (int r = 0; r < weight.rows(); r++) {
                    double sum = adapters.output(adapter, weight.name(), r, matrix, x, in, t * cols, cols) + (bias.isPresent() ? bias.get()[r] : 0);
                    int o = t * width + at + r;
                    out[o] = (float) (op.residual().isPresent() ? sum + buf(op.residual().get())[o] : sum);
                }
            }
            at += weight.rows();
        }
    }

    /** Every block of 32 as bytes that share a scale, the largest magnitude by 127. */
    static float[] quantized(float[] x, int n) {
        var out = new float[n];
        for (int block = 0; block < n; block += 32) {
            float largest = 0;
            for (int i = block; i < block + 32; i++) {
                largest = Math.max(largest, Math.abs(x[i]));
            }
            float inverse = largest == 0 ? 0 : 127 / largest;
            for (int i = block; i < block + 32; i++) {
                out[i] = (float) (Math.rint(x[i] * inverse) * (largest / 127));
            }
        }
        return out;
    }

    /** An input of experts as each of their matrices meets it. */
    private List<float[]> experts(Value in, List<Weight> matrices, int rows) {
        return matrices.stream().map(w -> blockWeights.contains(w.name()) ? quantized(buf(in), rows * in.width()) : buf(in)).toList();
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
                float[] raw = row(r);
                float[] row = raw.clone();
                for (int id = 0; s.allowed().length > 0 && id < vocab; id++) {
                    row[id] = (s.allowed()[id / Long.SIZE] >>> id & 1) == 0 ? Float.NEGATIVE_INFINITY : raw[id];
                }
                tokens[r] = chain.sample(row, s.settings(), s.tokens(), s.promptLength(), s.length(), logprobs, r);
                logprobs[r] = s.allowed().length == 0 ? logprobs[r] : (float) (raw[tokens[r]] - chain.logSumExp(raw));
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
            attention.copy(fromTo[i], fromTo[i + 1]);
        }
    }

    @Override
    public void addAdapter(int number, Adapter adapter) {
        adapters.add(number, adapter);
    }

    @Override
    public void removeAdapter(int number) {
        adapters.remove(number);
    }

    @Override
    public MemoryReport memory() {
        long w = weights.values().stream().mapToLong(x -> (long) x.length * Float.BYTES).sum();
        long scratch = 0;
        for (float[] x : values) {
            scratch += (long) x.length * Float.BYTES;
        }
        return new MemoryReport(w, attention.bytes(), blocks * kvBlockBytes, scratch + logits.byteSize());
    }

    @Override
    public void close() {
        // heap memory only
    }
}
