package io.jllm.cuda;

import io.jllm.MemoryReport;
import io.jllm.adapter.Adapter;
import io.jllm.cuda.compile.ChainShape;
import io.jllm.cuda.compile.CompiledOps;
import io.jllm.cuda.compile.DeviceState;
import io.jllm.cuda.compile.Fusion;
import io.jllm.cuda.compile.Passes;
import io.jllm.cuda.compile.Rooms;
import io.jllm.cuda.driver.Context;
import io.jllm.cuda.driver.DeviceMemory;
import io.jllm.cuda.driver.LaunchTimes;
import io.jllm.cuda.driver.OutOfDeviceMemoryException;
import io.jllm.cuda.driver.Owner;
import io.jllm.cuda.driver.Stream;
import io.jllm.cuda.kernels.Kernels;
import io.jllm.cuda.kernels.ProductKernels;
import io.jllm.cuda.kernels.attention.AttentionCut;
import io.jllm.cuda.memory.Activations;
import io.jllm.cuda.memory.BlockCopier;
import io.jllm.cuda.memory.HostRows;
import io.jllm.cuda.memory.KvCache;
import io.jllm.cuda.memory.StepUpload;
import io.jllm.cuda.sample.RowSampler;
import io.jllm.cuda.weights.WeightLoader;
import io.jllm.cuda.weights.WeightPlan;
import io.jllm.model.BufferPlan;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.model.Value;
import io.jllm.spi.Backend.RunnerOptions;
import io.jllm.spi.Drawing;
import io.jllm.spi.KernelTime;
import io.jllm.spi.ModelRunner;
import io.jllm.spi.RowSampling;
import io.jllm.spi.StepBatch;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;

/**
 * A model on a device. {@link #forward} only queues work: one copy and one graph for a step in which every sequence has one token, else kernel by
 * kernel; who wants results waits for them.
 */
final class CudaRunner implements ModelRunner {
    private final Program program;
    private final RunnerOptions options;
    private final MemoryBudget budget;
    private final Context context;
    private final Owner owner = new Owner();
    private final Arena arena = Arena.ofShared();
    private final Stream stream;
    private final KvCache kv;
    private final StepUpload upload;
    private final BlockCopier copier;
    private final RowSampler sampler;
    private final DeviceMemory values;
    private final Activations activations;
    private final Passes passes;
    private final Adaptation adaptation;
    private final StepInput input;
    private final HostRows host;
    private int rows;
    private boolean closed;

    /**
     * Loads; gives back what it has if anything fails. Rooms have no address yet.
     */
    CudaRunner(Program program, WeightPlan plan, RunnerOptions options, MemoryBudget budget, Context context, Kernels kernels,
            Rooms planned) {
        this.program = program;
        this.options = options;
        this.budget = budget;
        this.context = context;
        int tokens = program.ops().stream().mapToInt(op -> op instanceof Op.Embed e ? e.rows() : 0).max().orElse(0);
        owner.own(arena);
        try {
            stream = owner.own(Stream.create());
            DeviceMemory weights = owner.own(DeviceMemory.allocate(context, plan.bytes(), "weights"));
            BufferPlan buffers = BufferPlan.of(program, Fusion.LINGER);
            values = owner.own(DeviceMemory.allocate(context, Activations.bytes(buffers, options.maxTokensPerStep(), options.maxLogitRows()),
                    "activations"));
            activations = new Activations(buffers, options.maxTokensPerStep(), options.maxLogitRows(), values.address());
            host = owner.own(new HostRows(stream, values, activations));
            kv = owner.own(new KvCache(context, program, options.blockSize(), options.kvType(), budget.blocks()));
            upload = owner.own(new StepUpload(context, options, AttentionCut.of(kernels), budget.tableInts(), budget.pieceRoom()));
            DeviceMemory partial = owner.own(DeviceMemory.allocate(context, budget.partialBytes(), "attention"));
            DeviceMemory counters = owner.own(DeviceMemory.allocate(context, MemoryBudget.counterBytes(program, options), "attention"));
            counters.fill(stream, (byte) 0);
            DeviceMemory tasks = owner.own(DeviceMemory.allocate(context, CompiledOps.taskBytes(program), "chains of tasks"));
            tasks.fill(stream, (byte) -1);
            stream.synchronize(); // tasks are written by other threads
            Rooms rooms = planned.in(context, stream, owner);
            var pieces = new ProductKernels.Room(owner.own(DeviceMemory.allocate(context, ProductKernels.Room.bytes(plan.mostCols()),
                    "products of few rows")).address());
            copier = owner.own(new BlockCopier(stream, kernels, arena, kv));
            sampler = owner.own(new RowSampler(context, stream, kernels, arena, activations.floats(program.logits()),
                    Activations.pitch(program.logits()), program.vocab(), options.maxLogitRows(), options.maxSequences()));
            input = new StepInput(options, tokens, upload, sampler, stream);
            Optional<ChainShape> chain = ChainShape.of(kernels, DeviceState.suffix(options.kvType()), context.device().sharedMemory(), program);
            var state = new DeviceState(kernels, plan, weights.address(), activations, upload, kv, options.kvType(), options.blockSize(),
                    partial.address(), counters.address(), tasks, chain, rooms, pieces, context.device().multiprocessors());
            int most = Math.min(options.maxSequences(), Math.min(options.maxTokensPerStep(), options.maxLogitRows()));
            passes = owner.own(new Passes(context, program, state, most, Optional.empty()));
            adaptation = owner.own(new Adaptation(context, stream, program, state, options, most));
            owner.own((AutoCloseable) stream::synchronize); // given back first: what is in use must not go
            WeightLoader.load(plan, weights, context, stream, kernels);
            passes.await();
            warmUp();
        } catch (RuntimeException | Error e) {
            owner.close();
            throw e;
        }
    }

    /** One token, so that the first request finds its graph made; block 0 is written again before it is read. */
    private void warmUp() {
        var one = new StepBatch(1, 1, 1, 1);
        one.queryStart[1] = 1;
        one.contextLength[0] = 1;
        one.tokens = one.sequences = one.logitRows = 1;
        forward(one);
        stream.synchronize();
    }

    @Override
    public int blocks() {
        return kv.blocks();
    }

    @Override
    public void forward(StepBatch b) {
        queue(b, false);
    }

    @Override
    public List<KernelTime> forwardTimed(StepBatch b) {
        try (LaunchTimes times = stream.timeLaunches()) {
            queue(b, true);
            return KernelTime.summed(times.all().stream().map(t -> new KernelTime(t.kernel(), 1, t.microseconds(), t.weightBytes())).toList());
        }
    }

    /** Queues a pass; if it is timed, kernel by kernel. */
    private void queue(StepBatch b, boolean timed) {
        use();
        input.check(b);
        try {
            for (int t = 0; t < b.tokens; t++) {
                kv.touch(b.kvSlots[t] / options.blockSize());
            }
            if (Adaptation.concerns(b)) {
                adaptation.queue(b, size -> input.send(b, size), timed);
            } else {
                passes.queue(b, size -> input.send(b, size), stream, timed);
            }
        } catch (OutOfDeviceMemoryException e) {
            throw outOfMemory(e);
        }
        rows = b.logitRows;
        host.forget();
    }

    @Override
    public boolean gainsFromKnownTokens() {
        return false; // steps of one token a sequence are graphs: others take more than twice as long
    }

    @Override
    public boolean samplesOnDevice(RowSampling row) {
        return true;
    }

    @Override
    public void sample(RowSampling[] asked, int count, int[] tokens, float[] logprobs) {
        use();
        withRoom(() -> sampler.sample(asked, count, tokens, logprobs));
    }

    @Override
    public boolean overlaps() {
        return program.vocab() <= input.tokens(); // what is drawn on the device is checked by nobody
    }

    @Override
    public Drawing startSample(RowSampling[] asked, int count) {
        use();
        try {
            return sampler.start(asked, count);
        } catch (OutOfDeviceMemoryException e) {
            throw outOfMemory(e);
        }
    }

    @Override
    public void topK(int[] asked, int k, int[] ids, float[] logprobs) {
        use();
        if (k >= 1 && k <= sampler.mostTop()) {
            sampler.topK(asked, k, ids, logprobs);
        } else {
            sampler.topK(logits(), asked, k, ids, logprobs); // rare: nobody looks at so many alternatives for long
        }
    }

    @Override
    public MemorySegment logits() {
        return onHost(program.logits());
    }

    @Override
    public MemorySegment hidden() {
        return onHost(program.hidden().orElseThrow(() -> new UnsupportedOperationException(
                "the model's logits are no product of a hidden state, so it makes no embeddings")));
    }

    private MemorySegment onHost(Value v) {
        use();
        return host.rows(v, rows);
    }

    @Override
    public void forkSlot(int from, int to) {
        sampler.counts().fork(to);
    }

    @Override
    public void releaseSlot(int slot) {
        sampler.counts().release(slot);
    }

    @Override
    public void copyBlocks(int[] fromTo) {
        use();
        withRoom(() -> {
            for (int block : fromTo) {
                kv.touch(block);
            }
        });
        copier.copy(fromTo);
    }

    @Override
    public void addAdapter(int number, Adapter adapter) {
        use();
        withRoom(() -> adaptation.add(number, adapter));
    }

    @Override
    public void removeAdapter(int number) {
        use();
        adaptation.remove(number);
    }

    @Override
    public MemoryReport memory() {
        return new MemoryReport(budget.weights() + adaptation.weightBytes(), kv.bytes(), kv.limit(),
                budget.scratch() + sampler.counts().bytes() + adaptation.scratchBytes());
    }

    /** Does what may need device memory. */
    private void withRoom(Runnable work) {
        try {
            work.run();
        } catch (OutOfDeviceMemoryException e) {
            throw outOfMemory(e);
        }
    }

    private IllegalStateException outOfMemory(OutOfDeviceMemoryException cause) {
        MemoryReport m = memory();
        return new IllegalStateException("out of device memory: weights " + m.weights() + " bytes, KV cache " + m.kv() + " of at most " + m.kvLimit()
                + " bytes, scratch " + m.scratch() + " bytes; lower kvCache or gpuMemoryFraction, or end what else uses the device", cause);
    }

    private void use() {
        if (closed) {
            throw new IllegalStateException("the runner is closed");
        }
        context.use();
    }

    @Override
    public void close() {
        if (!closed) {
            use();
            closed = true;
            owner.close();
        }
    }
}
