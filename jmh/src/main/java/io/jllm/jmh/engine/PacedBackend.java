package io.jllm.jmh.engine;

import io.jllm.MemoryReport;
import io.jllm.engine.IdleRunner;
import io.jllm.model.Program;
import io.jllm.quant.WeightSource;
import io.jllm.spi.Backend;
import io.jllm.spi.Drawing;
import io.jllm.spi.ModelRunner;
import io.jllm.spi.RowSampling;
import io.jllm.spi.StepBatch;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * Stands for a device: it computes nothing, but each step takes it a while, one after the other, in which the host can do other things.
 *
 * @param nanos of a step
 * @param overlaps whether it takes the next step before tokens are read
 */
record PacedBackend(int vocab, long nanos, boolean overlaps) implements Backend {
    @Override
    public String name() {
        return "paced";
    }

    @Override
    public String describe() {
        return "paced";
    }

    @Override
    public String kernels() {
        return "none";
    }

    @Override
    public List<String> unsupported(Program program, WeightSource weights) {
        return List.of();
    }

    @Override
    public ModelRunner load(Program program, WeightSource weights, RunnerOptions options) {
        return new Runner(new IdleRunner(options.maxBlocks(), options.maxLogitRows(), vocab), nanos, overlaps);
    }

    @Override
    public void close() {
        // there is nothing
    }

    private static final class Runner implements ModelRunner {
        private final ModelRunner inner;
        private final long nanos;
        private final boolean overlaps;
        private long idleFrom = System.nanoTime();

        Runner(ModelRunner inner, long nanos, boolean overlaps) {
            this.inner = inner;
            this.nanos = nanos;
            this.overlaps = overlaps;
        }

        @Override
        public void forward(StepBatch batch) {
            long now = System.nanoTime();
            idleFrom = (idleFrom - now > 0 ? idleFrom : now) + nanos;
        }

        private static void await(long time) {
            while (System.nanoTime() - time < 0) {
                Thread.onSpinWait();
            }
        }

        @Override
        public boolean overlaps() {
            return overlaps;
        }

        @Override
        public Drawing startSample(RowSampling[] rows, int count) {
            long drawn = idleFrom;
            return (tokens, logprobs, _) -> {
                await(drawn);
                inner.sample(rows, count, tokens, logprobs);
            };
        }

        @Override
        public void sample(RowSampling[] rows, int count, int[] tokens, float[] logprobs) {
            await(idleFrom);
            inner.sample(rows, count, tokens, logprobs);
        }

        @Override
        public int blocks() {
            return inner.blocks();
        }

        @Override
        public boolean samplesOnDevice(RowSampling row) {
            return true;
        }

        @Override
        public void topK(int[] rows, int k, int[] ids, float[] logprobs) {
            inner.topK(rows, k, ids, logprobs);
        }

        @Override
        public MemorySegment logits() {
            return inner.logits();
        }

        @Override
        public void forkSlot(int from, int to) {
            inner.forkSlot(from, to);
        }

        @Override
        public void releaseSlot(int slot) {
            inner.releaseSlot(slot);
        }

        @Override
        public void copyBlocks(int[] fromTo) {
            inner.copyBlocks(fromTo);
        }

        @Override
        public MemoryReport memory() {
            return inner.memory();
        }

        @Override
        public void close() {
            inner.close();
        }
    }
}
