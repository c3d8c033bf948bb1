package io.jllm.engine;

import io.jllm.MemoryReport;
import io.jllm.spi.Drawing;
import io.jllm.spi.ModelRunner;
import io.jllm.spi.RowSampling;
import io.jllm.spi.StepBatch;
import java.lang.foreign.MemorySegment;
import java.util.EnumMap;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;

/** A runner whose methods fail now and then, before or after they did what they should. */
final class FaultyRunner implements ModelRunner {
    /** What may fail. */
    enum Call {
        FORWARD, SAMPLES_ON_DEVICE, SAMPLE, START_SAMPLE, FINISH_SAMPLE, TOP_K, LOGITS, FORK_SLOT, RELEASE_SLOT, COPY_BLOCKS, MEMORY, CLOSE
    }

    private final ModelRunner inner;
    private final Random random;
    private final Map<Call, Integer> failed = new EnumMap<>(Call.class);
    final AtomicInteger closed = new AtomicInteger();
    /** One of how many calls of each kind fails; kinds that are not there never do. */
    private volatile Map<Call, Integer> oneOf = Map.of();

    FaultyRunner(ModelRunner inner, long seed) {
        this.inner = inner;
        random = new Random(seed);
    }

    void fail(Map<Call, Integer> calls) {
        oneOf = calls;
    }

    /** How often each kind of call failed; to be read when the engine is idle or closed. */
    Map<Call, Integer> failed() {
        return failed;
    }

    private void call(Call call, Runnable work) {
        int odds = oneOf.getOrDefault(call, 0);
        boolean fails = odds > 0 && random.nextInt(odds) == 0;
        if (!fails || random.nextBoolean()) {
            work.run();
        }
        if (fails) {
            failed.merge(call, 1, Integer::sum);
            switch (random.nextInt(5)) {
                case 0 -> throw new OutOfMemoryError("pretended in " + call);
                case 1 -> throw new IllegalStateException("pretended in " + call);
                case 2 -> throw new StackOverflowError("pretended in " + call);
                case 3 -> throw new AssertionError("pretended in " + call);
                default -> throw new IndexOutOfBoundsException("pretended in " + call);
            }
        }
    }

    @Override
    public int blocks() {
        return inner.blocks();
    }

    @Override
    public void forward(StepBatch batch) {
        call(Call.FORWARD, () -> inner.forward(batch));
    }

    @Override
    public boolean samplesOnDevice(RowSampling row) {
        call(Call.SAMPLES_ON_DEVICE, () -> {
        });
        return inner.samplesOnDevice(row);
    }

    @Override
    public void sample(RowSampling[] rows, int count, int[] tokens, float[] logprobs) {
        call(Call.SAMPLE, () -> inner.sample(rows, count, tokens, logprobs));
    }

    @Override
    public boolean overlaps() {
        return inner.overlaps();
    }

    @Override
    public Drawing startSample(RowSampling[] rows, int count) {
        var drawing = new Drawing[1];
        call(Call.START_SAMPLE, () -> drawing[0] = inner.startSample(rows, count));
        return (tokens, logprobs, errors) -> call(Call.FINISH_SAMPLE, () -> drawing[0].finish(tokens, logprobs, errors));
    }

    @Override
    public void topK(int[] rows, int k, int[] ids, float[] logprobs) {
        call(Call.TOP_K, () -> inner.topK(rows, k, ids, logprobs));
    }

    @Override
    public MemorySegment logits() {
        call(Call.LOGITS, () -> {
        });
        return inner.logits();
    }

    @Override
    public void forkSlot(int from, int to) {
        call(Call.FORK_SLOT, () -> inner.forkSlot(from, to));
    }

    @Override
    public void releaseSlot(int slot) {
        call(Call.RELEASE_SLOT, () -> inner.releaseSlot(slot));
    }

    @Override
    public void copyBlocks(int[] fromTo) {
        call(Call.COPY_BLOCKS, () -> inner.copyBlocks(fromTo));
    }

    @Override
    public MemoryReport memory() {
        call(Call.MEMORY, () -> {
        });
        return inner.memory();
    }

    @Override
    public void close() {
        closed.incrementAndGet();
        call(Call.CLOSE, inner::close);
    }
}
