package io.jllm.jmh.engine;

import io.jllm.MemoryReport;
import io.jllm.model.Program;
import io.jllm.quant.WeightSource;
import io.jllm.spi.Backend;
import io.jllm.spi.ModelRunner;
import io.jllm.spi.RowSampling;
import io.jllm.spi.StepBatch;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;

/** Computes nothing, and says one token after the other: what a step costs with it is spent by the engine. */
final class NothingBackend implements Backend {
    private final int vocab;

    NothingBackend(int vocab) {
        this.vocab = vocab;
    }

    @Override
    public String describe() {
        return "nothing";
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
        return new Runner(options.maxBlocks());
    }

    @Override
    public void close() {
        // there is nothing
    }

    private final class Runner implements ModelRunner {
        private final int blocks;
        private int next;

        Runner(int blocks) {
            this.blocks = blocks;
        }

        @Override
        public int blocks() {
            return blocks;
        }

        @Override
        public void forward(StepBatch batch) {
            // that is what is left out
        }

        @Override
        public boolean samplesOnDevice(RowSampling row) {
            return true;
        }

        @Override
        public void sample(RowSampling[] rows, int count, int[] tokens, float[] logprobs) {
            for (int i = 0; i < count; i++) {
                next = (next + 1) % vocab;
                tokens[i] = next;
            }
            Arrays.fill(logprobs, 0, count, -1);
        }

        @Override
        public void topK(int[] rows, int k, int[] ids, float[] logprobs) {
            throw new UnsupportedOperationException("nothing has no alternatives");
        }

        @Override
        public MemorySegment logits() {
            throw new UnsupportedOperationException("nothing has no logits");
        }

        @Override
        public void forkSlot(int from, int to) {
            // no state
        }

        @Override
        public void releaseSlot(int slot) {
            // no state
        }

        @Override
        public void copyBlocks(int[] fromTo) {
            // no pages
        }

        @Override
        public MemoryReport memory() {
            return new MemoryReport(0, 0, 0, 0);
        }

        @Override
        public void close() {
            // there is nothing
        }
    }
}
