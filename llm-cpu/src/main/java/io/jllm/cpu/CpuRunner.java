package io.jllm.cpu;

import io.jllm.MemoryReport;
import io.jllm.cpu.kernels.KvCache;
import io.jllm.cpu.kernels.SequenceIndex;
import io.jllm.cpu.kernels.Workspace;
import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.op.Activations;
import io.jllm.cpu.op.CompiledOp;
import io.jllm.cpu.op.Compiler;
import io.jllm.cpu.op.DeviceWeights;
import io.jllm.cpu.op.TokenSpace;
import io.jllm.cpu.os.Affinity;
import io.jllm.cpu.os.CpuInfo;
import io.jllm.cpu.os.ThreadTeam;
import io.jllm.model.CachedLayer;
import io.jllm.cpu.tier.KernelChoice;
import io.jllm.model.Program;
import io.jllm.model.WeightShape;
import io.jllm.quant.WeightSource;
import io.jllm.spi.ActivationListener;
import io.jllm.spi.Backend.RunnerOptions;
import io.jllm.spi.KernelTime;
import io.jllm.spi.ModelRunner;
import io.jllm.spi.OutOfMemory;
import io.jllm.spi.RowSampling;
import io.jllm.spi.StepBatch;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/**
 * A model on the CPU. The thread that calls {@link #forward} computes too. Memory for activations grows to the largest step
 * seen, that for keys and values block by block; after that a forward pass allocates nothing.
 */
final class CpuRunner implements ModelRunner {
    /** Positions that the prefix cache may keep at the cost of memory, where no limit is set. */
    private static final int CACHED_POSITIONS = 2048;

    private final Program program;
    private final RunnerOptions options;
    private final DeviceWeights tensors;
    private final Arena arena;
    private final KvCache cache;
    private final ThreadTeam team;
    private final Workspace[] workspaces;
    private final SequenceIndex sequences;
    private final Compiler compiler;
    private final TokenSpace arranged;
    private final RowSampler sampling;
    private final ThreadTeam.Task task = this::runTask;
    private Activations scratch;
    private Rows logits;
    private Compiler.Pass steps;
    private CompiledOp current;
    private StepBatch batch;
    private boolean closed;

    /**
     * Loads. The weights fit the program, and the options are in range.
     *
     * @param blocks KV blocks
     * @param listener is told what matrices are multiplied with
     */
    static CpuRunner open(Program program, WeightSource weights, RunnerOptions options, int blocks, KernelChoice kernels, int threads,
            ActivationListener listener) {
        var arena = Arena.ofShared();
        try {
            Affinity affinity = Affinity.over(CpuInfo.memoryNodes());
            var team = new ThreadTeam(threads, "jllm-cpu", member -> affinity.tie(member, threads));
            try {
                return new CpuRunner(program, weights, options, blocks, kernels, arena, team, listener);
            } catch (RuntimeException | Error e) {
                team.close();
                throw e;
            }
        } catch (RuntimeException | Error e) {
            arena.close();
            throw e;
        }
    }

    /** Takes over the arena and the team. */
    private CpuRunner(Program program, WeightSource weights, RunnerOptions options, int blocks, KernelChoice kernels, Arena arena,
              ThreadTeam team, ActivationListener listener) {
        this.arena = arena;
        this.team = team;
        this.program = program;
        this.options = options;
        tensors = new DeviceWeights(program, weights, kernels.kernels(), arena, team);
        arranged = DeviceWeights.arranged(program, weights, kernels.kernels());
        cache = new KvCache(arena, kernels.kernels().memory(), program, options.kvType(), options.blockSize(), blocks);
        sequences = new SequenceIndex(options.maxTokensPerStep());
        compiler = new Compiler(program, tensors, cache, sequences, kernels.kernels(), team.size(), listener);
        int head = program.cachedLayers().stream().mapToInt(CachedLayer::headDim).max().orElse(1);
        long columns = WeightShape.of(program).stream().mapToLong(WeightShape::cols).max().orElse(1);
        workspaces = new Workspace[team.size()];
        for (int i = 0; i < workspaces.length; i++) {
            workspaces[i] = new Workspace(arena, (int) Math.max(columns, head), (long) head * options.blockSize());
        }
        sampling = new RowSampler(program.vocab(), team, kernels, workspaces);
        scratch = new Activations(program, 1, 1, arranged);
        logits = scratch.rows(program.logits());
        try {
            steps = compiler.compile(scratch);
        } catch (RuntimeException | Error e) {
            scratch.close();
            throw e;
        }
    }

    @Override
    public int blocks() {
        return cache.blocks();
    }

    /** All that a limit allows; without one, little: the application has other uses for the machine's memory. */
    @Override
    public int cachedBlocks() {
        return options.kvBytes() > 0 ? blocks() : CACHED_POSITIONS / options.blockSize();
    }

    @Override
    public void forward(StepBatch b) {
        prepare(b);
        pass(b.hiddenRows > 0 && b.hiddenRows == b.logitRows ? steps.body() : steps.all());
    }

    @Override
    public List<KernelTime> forwardTimed(StepBatch b) {
        prepare(b);
        var times = new ArrayList<KernelTime>();
        for (CompiledOp op : steps.all()) {
            long start = System.nanoTime();
            pass(List.of(op));
            times.add(new KernelTime(op.name(), 1, (System.nanoTime() - start) / 1e3, op.weightBytes()));
        }
        return KernelTime.summed(times);
    }

    private void pass(List<CompiledOp> through) {
        for (int i = 0; i < through.size(); i++) { // by number: an iterator over lists of several kinds would be garbage
            current = through.get(i);
            team.run(current.tasks(batch), task);
        }
    }

    /** Memory for the batch. */
    private void prepare(StepBatch b) {
        checkOpen();
        batch = b;
        try {
            for (int t = 0; t < b.tokens; t++) {
                cache.touch(b.kvSlots[t] / cache.blockSize());
            }
            if (b.tokens > scratch.tokens() || b.logitRows > scratch.logitRows()) {
                grow(b);
            }
        } catch (OutOfMemoryError e) {
            throw outOfMemory(e);
        }
        sequences.refill(b);
    }

    private void grow(StepBatch b) {
        if (b.tokens > options.maxTokensPerStep() || b.logitRows > options.maxLogitRows()) {
            throw new IllegalArgumentException("a step of " + b.tokens + " tokens and " + b.logitRows + " rows of logits; the limits are "
                    + options.maxTokensPerStep() + " and " + options.maxLogitRows());
        }
        Activations old = scratch;
        scratch = new Activations(program, Activations.grown(old.tokens(), b.tokens, options.maxTokensPerStep()),
                Activations.grown(old.logitRows(), b.logitRows, options.maxLogitRows()), arranged);
        logits = scratch.rows(program.logits());
        steps = compiler.compile(scratch);
        old.close();
    }

    private void runTask(int index, int member) {
        current.run(batch, index, workspaces[member]);
    }

    /**
     * Runs a little of every kind of step until that gets no faster, and then a few as a forward pass does, with all threads. Whatever is
     * written to KV blocks is written again before it is read.
     *
     * @param nanos when to stop at the latest
     */
    void warmUp(long nanos) {
        List<StepBatch> batches = WarmUp.batches(program, options);
        batches.forEach(this::prepare);
        var warmUp = new WarmUp(nanos);
        Collection<List<CompiledOp>> kinds = WarmUp.kinds(steps.all());
        for (List<CompiledOp> kind : kinds) {
            warmUp.add(round -> {
                for (StepBatch b : batches) {
                    prepare(b);
                    if (!warmUp.over()) {
                        kind.get(round % kind.size()).warmUp(b, workspaces[0]);
                    }
                }
            });
        }
        RowSampler sampler = sampling.ofFirst(WarmUp.VOCAB);
        warmUp.add(_ -> sampler.warmUp(logits));
        warmUp.run();
        List<CompiledOp> firsts = kinds.stream().map(List::getFirst).toList();
        for (int i = 0; i < WarmUp.PASSES && !warmUp.over(); i++) {
            for (StepBatch b : WarmUp.single(batches)) {
                prepare(b);
                pass(firsts);
            }
        }
    }

    @Override
    public boolean samplesOnDevice(RowSampling row) {
        return true;
    }

    @Override
    public void sample(RowSampling[] rows, int count, int[] tokens, float[] logprobs) {
        checkOpen();
        sampling.sample(logits, rows, count, tokens, logprobs);
    }

    @Override
    public void topK(int[] rows, int k, int[] ids, float[] logprobs) {
        checkOpen();
        sampling.topK(logits, rows, k, ids, logprobs);
    }

    @Override
    public MemorySegment logits() {
        checkOpen();
        return logits.data().asSlice(logits.at(), (long) scratch.logitRows() * logits.width() * Float.BYTES);
    }

    @Override
    public MemorySegment hidden() {
        checkOpen();
        Rows states = scratch.rows(program.hidden().orElseThrow(() -> new UnsupportedOperationException(
                "the model's logits are no product of a hidden state, so it makes no embeddings")));
        return states.data().asSlice(states.at(), (long) scratch.logitRows() * states.width() * Float.BYTES);
    }

    @Override
    public void forkSlot(int from, int to) {
        // penalties read the sequence itself: no state is kept by slot
    }

    @Override
    public void releaseSlot(int slot) {
        // no state is kept by slot
    }

    @Override
    public void copyBlocks(int[] fromTo) {
        checkOpen();
        try {
            for (int i = 0; i < fromTo.length; i += 2) {
                cache.copy(fromTo[i], fromTo[i + 1]);
            }
        } catch (OutOfMemoryError e) {
            throw outOfMemory(e);
        }
    }

    @Override
    public MemoryReport memory() {
        long working = scratch.bytes() + sampling.bytes() + compiler.bytes();
        for (Workspace w : workspaces) {
            working += w.bytes();
        }
        return new MemoryReport(tensors.bytes(), cache.bytes(), cache.limit(), working);
    }

    private IllegalStateException outOfMemory(OutOfMemoryError cause) {
        MemoryReport m = memory();
        return new IllegalStateException("out of memory: weights " + m.weights() + " bytes, KV cache " + m.kv() + " of at most "
                + m.kvLimit() + " bytes, scratch " + m.scratch() + " bytes; " + OutOfMemory.describe(cause), cause);
    }

    private void checkOpen() {
        if (closed) {
            throw new IllegalStateException("the runner is closed");
        }
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            team.close();
            scratch.close();
            arena.close();
        }
    }
}
