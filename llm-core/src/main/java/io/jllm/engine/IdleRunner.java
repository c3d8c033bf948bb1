package io.jllm.engine;

import io.jllm.MemoryReport;
import io.jllm.spi.ModelRunner;
import io.jllm.spi.RowSampling;
import io.jllm.spi.StepBatch;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/** A runner that computes nothing, and gives one token of the vocabulary after the other: what a step takes with it is the engine's own. */
public final class IdleRunner implements ModelRunner {
    private final int blocks;
    private final int rows;
    private final int vocab;
    private int next;

    /**
     * @param blocks KV blocks that it says it has
     * @param rows most rows of logits in a step
     * @param vocab tokens
     */
    public IdleRunner(int blocks, int rows, int vocab) {
        this.blocks = blocks;
        this.rows = rows;
        this.vocab = vocab;
    }

    @Override
    public int blocks() {
        return blocks;
    }

    @Override
    public void forward(StepBatch batch) {
        // nothing to compute
    }

    @Override
    public boolean samplesOnDevice(RowSampling row) {
        return true;
    }

    @Override
    public void sample(RowSampling[] sampled, int count, int[] tokens, float[] logprobs) {
        for (int i = 0; i < count; i++) {
            next = (next + 1) % vocab;
            tokens[i] = next;
        }
        Arrays.fill(logprobs, 0, count, -1);
    }

    @Override
    public void topK(int[] wanted, int k, int[] ids, float[] logprobs) {
        // always the first of the vocabulary
    }

    @Override
    public MemorySegment logits() {
        return Arena.ofAuto().allocate(ValueLayout.JAVA_FLOAT, (long) rows * vocab);
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
        // no blocks
    }

    @Override
    public MemoryReport memory() {
        return new MemoryReport(0, 0, 0, 0);
    }

    @Override
    public void close() {
        // nothing to close
    }
}
