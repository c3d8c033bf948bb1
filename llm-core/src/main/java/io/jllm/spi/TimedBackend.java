package io.jllm.spi;

import io.jllm.MemoryReport;
import io.jllm.adapter.Adapter;
import io.jllm.model.Program;
import io.jllm.quant.DType;
import io.jllm.quant.WeightSource;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/**
 * A backend whose runners time their kernels.
 *
 * @param backend does everything else
 * @param listener is told of each forward pass, on the engine's thread
 */
public record TimedBackend(Backend backend, KernelListener listener) implements Backend {
    @Override
    public String name() {
        return backend.name();
    }

    @Override
    public String describe() {
        return backend.describe();
    }

    @Override
    public String kernels() {
        return backend.kernels();
    }

    @Override
    public DType kvType() {
        return backend.kvType();
    }

    @Override
    public int tokensPerStep() {
        return backend.tokensPerStep();
    }

    @Override
    public OptionalDouble memoryBandwidth() {
        return backend.memoryBandwidth();
    }

    @Override
    public OptionalLong freeMemory() {
        return backend.freeMemory();
    }

    @Override
    public List<String> unsupported(Program program, WeightSource weights) {
        return backend.unsupported(program, weights);
    }

    @Override
    public ModelRunner load(Program program, WeightSource weights, RunnerOptions options) {
        var runner = new Runner(backend.load(program, weights, options), listener);
        listener.loaded(backend.memoryBandwidth());
        return runner;
    }

    @Override
    public void close() {
        backend.close();
    }

    private record Runner(ModelRunner runner, KernelListener listener) implements ModelRunner {
        @Override
        public int blocks() {
            return runner.blocks();
        }

        @Override
        public int cachedBlocks() {
            return runner.cachedBlocks();
        }

        @Override
        public void forward(StepBatch batch) {
            listener.passed(batch, runner.forwardTimed(batch));
        }

        @Override
        public List<KernelTime> forwardTimed(StepBatch batch) {
            return runner.forwardTimed(batch);
        }

        @Override
        public boolean gainsFromKnownTokens() {
            return runner.gainsFromKnownTokens();
        }

        @Override
        public boolean samplesOnDevice(RowSampling row) {
            return runner.samplesOnDevice(row);
        }

        @Override
        public void sample(RowSampling[] rows, int count, int[] tokens, float[] logprobs) {
            runner.sample(rows, count, tokens, logprobs);
        }

        @Override
        public void topK(int[] rows, int k, int[] ids, float[] logprobs) {
            runner.topK(rows, k, ids, logprobs);
        }

        @Override
        public MemorySegment logits() {
            return runner.logits();
        }

        @Override
        public MemorySegment hidden() {
            return runner.hidden();
        }

        @Override
        public void forkSlot(int from, int to) {
            runner.forkSlot(from, to);
        }

        @Override
        public void releaseSlot(int slot) {
            runner.releaseSlot(slot);
        }

        @Override
        public void copyBlocks(int[] fromTo) {
            runner.copyBlocks(fromTo);
        }

        @Override
        public void addAdapter(int number, Adapter adapter) {
            runner.addAdapter(number, adapter);
        }

        @Override
        public void removeAdapter(int number) {
            runner.removeAdapter(number);
        }

        @Override
        public MemoryReport memory() {
            return runner.memory();
        }

        @Override
        public void close() {
            runner.close();
        }
    }
}
