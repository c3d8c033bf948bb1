package io.jllm.cpu;

import io.jllm.MemoryReport;
import io.jllm.adapter.Adapter;
import io.jllm.cpu.adapter.AdapterSet;
import io.jllm.cpu.kernels.KvCache;
import io.jllm.cpu.kernels.SequenceIndex;
import io.jllm.cpu.kernels.Workspace;
import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.op.CompiledOp;
import io.jllm.cpu.op.Compiler;
import io.jllm.cpu.op.DeviceWeights;
import io.jllm.cpu.os.Affinity;
import io.jllm.cpu.os.CpuInfo;
import io.jllm.cpu.os.ThreadTeam;
import io.jllm.cpu.tier.KernelChoice;
import io.jllm.model.CachedLayer;
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
    private final AdapterSet adapters;
    private final StepMemory memory;
    private final RowSampler sampling;
    private final ThreadTeam.Task task = this::runTask;
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
        cache = new KvCache(arena, kernels.kernels().memory(), program, options.kvType(), options.blockSize(), blocks);
        sequences = new SequenceIndex(options.maxTokensPerStep());
        adapters = new AdapterSet(kernels.kernels(), options.maxTokensPerStep(), options.maxLogitRows());
        int head = program.cachedLayers().stream().mapToInt(CachedLayer::headDim).max().orElse(1);
        long columns = WeightShape.of(program).stream().mapToLong(WeightShape::cols).max().orElse(1);
        workspaces = new Workspace[team.size()];
        for (int i = 0; i < workspaces.length; i++) {
            workspaces[i] = new Workspace(arena, (int) Math.max(columns, head), (long) head * options.blockSize());
        }
        sampling = new RowSampler(program.vocab(), team, kernels, workspaces);
        memory = new StepMemory(program, options, DeviceWeights.arranged(program, weights, kernels.kernels()),
                new Compiler(program, tensors, cache, sequences, kernels.kernels(), team.size(), adapters, listener));
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
        pass(b.hiddenRows > 0 && b.hiddenRows == b.logitRows ? memory.steps().body() : memory.steps().all());
    }

    @Override
    public List<KernelTime> forwardTimed(StepBatch b) {
        prepare(b);
        var times = new ArrayList<KernelTime>();
        for (CompiledOp op : memory.steps().all()) {
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
            memory.reserve(b);
            adapters.refill(b);
        } catch (OutOfMemoryError e) {
            throw outOfMemory(e);
        }
        sequences.refill(b);
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
        Collection<List<CompiledOp>> kinds = WarmUp.kinds(memory.steps().all());
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
        warmUp.add(_ -> sampler.warmUp(memory.logits()));
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
        sampling.sample(memory.logits(), rows, count, tokens, logprobs);
    }

    @Override
    public void topK(int[] rows, int k, int[] ids, float[] logprobs) {
        checkOpen();
        sampling.topK(memory.logits(), rows, k, ids, logprobs);
    }

    @Override
    public MemorySegment logits() {
        checkOpen();
        Rows logits = memory.logits();
        return logits.data().asSlice(logits.at(), (long) memory.logitRows() * logits.width() * Float.BYTES);
    }

    @Override
    public MemorySegment hidden() {
        checkOpen();
        Rows states = memory.rows(program.hidden().orElseThrow(() -> new UnsupportedOperationException(
                "the model's logits are no product of a hidden state, so it makes no embeddings")));
        return states.data().asSlice(states.at(), (long) memory.logitRows() * states.width() * Float.BYTES);
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
    public void addAdapter(int number, Adapter adapter) {
        checkOpen();
        adapters.add(number, adapter);
        try {
            memory.compile();
        } catch (RuntimeException | Error e) {
            adapters.remove(number);
            throw e;
        }
    }

    @Override
    public void removeAdapter(int number) {
        checkOpen();
        adapters.remove(number);
        memory.compile();
    }

    @Override
    public MemoryReport memory() {
        long working = memory.bytes() + sampling.bytes() + adapters.scratchBytes();
        for (Workspace w : workspaces) {
            working += w.bytes();
        }
        return new MemoryReport(tensors.bytes() + adapters.bytes(), cache.bytes(), cache.limit(), working);
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
            memory.close();
            adapters.close();
            arena.close();
        }
    }
}
