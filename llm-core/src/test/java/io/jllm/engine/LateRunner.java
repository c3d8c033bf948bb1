package io.jllm.engine;

import io.jllm.MemoryReport;
import io.jllm.adapter.Adapter;
import io.jllm.sampling.SamplerSettings;
import io.jllm.spi.Drawing;
import io.jllm.spi.ModelRunner;
import io.jllm.spi.RowSampling;
import io.jllm.spi.StepBatch;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Queue;

/**
 * A runner that overlaps: it does nothing before somebody waits for it, and then no more than that takes, as the slowest of devices would. It
 * refuses what no device could do, such as to use a token that no drawing under way gives.
 */
public final class LateRunner implements ModelRunner {
    private final ModelRunner inner;
    private final Queue<Runnable> queue = new ArrayDeque<>();
    private Late last; // null before the first
    private long drawings;
    private long aheadPasses;
    private long drawnTokens;

    /** @param inner does everything, one thing after the other */
    public LateRunner(ModelRunner inner) {
        this.inner = inner;
    }

    /** Forward passes that were queued before the tokens of the one before them were read; to be read when the engine is idle or closed. */
    public long aheadPasses() {
        return aheadPasses;
    }

    /** Tokens that forward passes took from a drawing. */
    public long drawnTokens() {
        return drawnTokens;
    }

    /** What a row was when it was asked for. */
    private record Row(SamplerSettings settings, int slot, int[] tokens, int promptLength, int length, long[] allowed) implements RowSampling {
        static Row of(RowSampling r) {
            return r == null ? null : new Row(r.settings(), r.slot(), Arrays.copyOf(r.tokens(), r.length()), r.promptLength(), r.length(),
                    r.allowed());
        }

        /** Puts a token that was not read when this was asked for in its place. */
        void know(Late from) {
            int at = length - 1;
            if (tokens[at] < 0) {
                tokens[at] = from.token(StepBatch.drawn(tokens[at]));
            }
        }
    }

    private final class Late implements Drawing {
        private final long number = ++drawings;
        private final Row[] rows;
        private final Late before;
        private final int[] tokens;
        private final float[] logprobs;
        private final RuntimeException[] errors;
        private boolean drawn;
        private boolean finished;

        Late(Row[] rows, Late before) {
            this.rows = rows;
            this.before = before;
            tokens = new int[rows.length];
            logprobs = new float[rows.length];
            errors = new RuntimeException[rows.length];
        }

        void draw() {
            for (int r = 0; r < rows.length; r++) {
                if (rows[r] != null) {
                    var alone = new RowSampling[rows.length];
                    rows[r].know(before);
                    alone[r] = rows[r];
                    try {
                        inner.sample(alone, rows.length, tokens, logprobs);
                    } catch (RuntimeException e) {
                        errors[r] = e;
                    }
                }
            }
            drawn = true;
        }

        int token(int row) {
            if (!drawn) {
                throw new AssertionError("a token is used before it is drawn");
            }
            return errors[row] == null ? tokens[row] : 0;
        }

        @Override
        public void finish(int[] toTokens, float[] toLogprobs, RuntimeException[] toErrors) {
            if (finished || drawings - number > 1) {
                throw new AssertionError("a drawing is finished twice, or after two others were started");
            }
            finished = true;
            while (!drawn) {
                queue.remove().run();
            }
            for (int r = 0; r < rows.length; r++) {
                if (errors[r] != null) {
                    toErrors[r] = errors[r];
                } else if (rows[r] != null) {
                    toTokens[r] = tokens[r];
                    toLogprobs[r] = logprobs[r];
                }
            }
        }
    }

    @Override
    public boolean overlaps() {
        return true;
    }

    @Override
    public Drawing startSample(RowSampling[] rows, int count) {
        var drawing = new Late(Arrays.stream(rows, 0, count).map(Row::of).toArray(Row[]::new), last);
        queue.add(drawing::draw);
        last = drawing;
        return drawing;
    }

    @Override
    public void forward(StepBatch b) {
        StepBatch now = copy(b);
        Late from = last;
        for (int t = 0; t < b.tokens; t++) {
            if (b.tokenIds[t] < 0) {
                int row = StepBatch.drawn(b.tokenIds[t]);
                if (from == null || from.finished || row >= from.rows.length || from.rows[row] == null) {
                    throw new AssertionError("token " + t + " is of row " + row + ", which no drawing under way draws");
                }
                drawnTokens++;
            }
        }
        aheadPasses += from != null && !from.finished ? 1 : 0;
        queue.add(() -> {
            for (int t = 0; t < now.tokens; t++) {
                now.tokenIds[t] = now.tokenIds[t] < 0 ? from.token(StepBatch.drawn(now.tokenIds[t])) : now.tokenIds[t];
            }
            inner.forward(now);
        });
    }

    private static StepBatch copy(StepBatch b) {
        var copy = new StepBatch(b.tokenIds.length, b.contextLength.length, b.logitRow.length, b.maxBlocks);
        copy.tokens = b.tokens;
        copy.sequences = b.sequences;
        copy.logitRows = b.logitRows;
        copy.hiddenRows = b.hiddenRows;
        int[][] from = {b.tokenIds, b.positions, b.kvSlots, b.queryStart, b.contextLength, b.blockTable, b.sequenceSlot, b.ropeLength, b.adapter,
            b.logitRow};
        int[][] to = {copy.tokenIds, copy.positions, copy.kvSlots, copy.queryStart, copy.contextLength, copy.blockTable, copy.sequenceSlot,
            copy.ropeLength, copy.adapter, copy.logitRow};
        for (int i = 0; i < from.length; i++) {
            System.arraycopy(from[i], 0, to[i], 0, from[i].length);
        }
        return copy;
    }

    private ModelRunner caughtUp() {
        while (!queue.isEmpty()) {
            queue.remove().run();
        }
        return inner;
    }

    @Override
    public int blocks() {
        return inner.blocks();
    }

    @Override
    public boolean samplesOnDevice(RowSampling row) {
        return inner.samplesOnDevice(row);
    }

    @Override
    public void sample(RowSampling[] rows, int count, int[] tokens, float[] logprobs) {
        caughtUp().sample(rows, count, tokens, logprobs);
    }

    @Override
    public void topK(int[] rows, int k, int[] ids, float[] logprobs) {
        caughtUp().topK(rows, k, ids, logprobs);
    }

    @Override
    public MemorySegment logits() {
        return caughtUp().logits();
    }

    @Override
    public MemorySegment hidden() {
        return caughtUp().hidden();
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
        queue.add(() -> inner.copyBlocks(fromTo));
    }

    @Override
    public void addAdapter(int number, Adapter adapter) {
        caughtUp().addAdapter(number, adapter);
    }

    @Override
    public void removeAdapter(int number) {
        caughtUp().removeAdapter(number);
    }

    @Override
    public MemoryReport memory() {
        return inner.memory();
    }

    @Override
    public void close() {
        caughtUp().close();
    }
}
