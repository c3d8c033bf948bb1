package io.jllm.engine;

import io.jllm.MemoryReport;
import io.jllm.spi.Drawing;
import io.jllm.spi.ModelRunner;
import io.jllm.spi.RowSampling;
import io.jllm.spi.StepBatch;
import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;

/** A runner that does something before each forward pass: waits, or fails. */
public record RunnerDouble(ModelRunner inner, Consumer<StepBatch> before) implements ModelRunner {
    @Override
    public int blocks() {
        return inner.blocks();
    }

    @Override
    public void forward(StepBatch batch) {
        before.accept(batch);
        inner.forward(batch);
    }

    @Override
    public boolean samplesOnDevice(RowSampling row) {
        return inner.samplesOnDevice(row);
    }

    @Override
    public void sample(RowSampling[] rows, int count, int[] tokens, float[] logprobs) {
        inner.sample(rows, count, tokens, logprobs);
    }

    @Override
    public boolean overlaps() {
        return inner.overlaps();
    }

    @Override
    public Drawing startSample(RowSampling[] rows, int count) {
        return inner.startSample(rows, count);
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
    public MemorySegment hidden() {
        return inner.hidden();
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
