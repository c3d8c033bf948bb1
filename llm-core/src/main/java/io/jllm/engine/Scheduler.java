package io.jllm.engine;

import io.jllm.spi.StepBatch;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.function.IntConsumer;

/**
 * Chooses, every step, how many tokens of which sequence to compute. There is no prefill mode and no decode mode: each
 * sequence gets the tokens that it is behind, oldest first, within a token budget. That one rule gives chunked prefill and
 * preemption by recomputation.
 */
final class Scheduler {
    private final BlockPool pool;
    private final SchedulerLimits limits;
    private final IntConsumer slotReleased;
    private final Deque<Sequence> waiting = new ArrayDeque<>();
    private final List<Sequence> running = new ArrayList<>();
    private final Deque<Integer> slots = new ArrayDeque<>();
    private final List<Sequence> scheduled = new ArrayList<>();
    private final List<Sequence> rowSequences = new ArrayList<>();
    private final int[] rowPositions;
    private long preemptions;
    private int budget;
    private int promptRows;

    /**
     * @param slotReleased told when a sequence slot no longer belongs to its sequence
     */
    Scheduler(BlockPool pool, SchedulerLimits limits, IntConsumer slotReleased) {
        this.pool = pool;
        this.limits = limits;
        this.slotReleased = slotReleased;
        rowPositions = new int[limits.maxLogitRows()];
        for (int i = 0; i < limits.maxSequences(); i++) {
            slots.add(i);
        }
    }

    void add(Sequence s) {
        s.place(new BlockTable(pool, limits.blockSize(), s.group().params().cacheSalt()));
        waiting.addLast(s);
    }

    int waiting() {
        return waiting.size();
    }

    int running() {
        return running.size();
    }

    long preemptions() {
        return preemptions;
    }

    /** The sequences of the last step. */
    List<Sequence> scheduled() {
        return scheduled;
    }

    /** Whose logits row this is in the last step. */
    Sequence rowSequence(int row) {
        return rowSequences.get(row);
    }

    /** Position of the token after which the row's logits come. */
    int rowPosition(int row) {
        return rowPositions[row];
    }

    /** All sequences, running ones first. */
    List<Sequence> all() {
        var all = new ArrayList<>(running);
        all.addAll(waiting);
        return all;
    }

    /** Fills the batch with the next step; empty if nothing can be computed now. */
    void schedule(StepBatch b) {
        b.clear();
        scheduled.clear();
        rowSequences.clear();
        budget = limits.maxTokens();
        promptRows = limits.maxLogitRows() - limits.maxSequences();
        long before = preemptions;
        for (int i = 0; i < running.size() && budget > 0;) {
            Sequence s = running.get(i);
            int count = s.group().paused() ? 0 : chunk(s);
            if (count > 0 && makeRoom(s, count)) {
                put(b, s, count);
            }
            // A preemption may have moved the sequences before this one.
            i = s.running() ? running.indexOf(s) + 1 : running.size();
        }
        if (preemptions == before) {
            admit(b);
        }
    }

    /** Makes known what the last step has computed. */
    void remember() {
        if (limits.prefixCache()) {
            scheduled.forEach(s -> s.blocks().remember(s.tokens(), s.computed()));
        }
    }

    private void admit(StepBatch b) {
        while (budget > 0 && running.size() < limits.maxSequences()) {
            Sequence s = nextWaiting();
            if (s == null) {
                return;
            }
            int cached = limits.prefixCache() ? s.reuse() : 0;
            int count = chunk(s);
            if (count == 0 || !reserveByResting(s, count)) {
                s.releaseBlocks();
                return;
            }
            waiting.remove(s);
            running.add(s);
            s.start(slots.pop());
            s.group().reused(cached);
            put(b, s, count);
        }
    }

    private boolean reserveByResting(Sequence s, int count) {
        while (!s.blocks().reserve(s.computed() + count)) {
            Sequence resting = restingVictim();
            if (resting == null) {
                return false;
            }
            preempt(resting);
        }
        return true;
    }

    private Sequence nextWaiting() {
        for (Iterator<Sequence> it = waiting.iterator(); it.hasNext();) {
            Sequence s = it.next();
            if (!s.group().paused()) {
                return s;
            }
        }
        return null;
    }

    /** How many tokens of the sequence to compute, by what it is behind and by what is left of the step. */
    private int chunk(Sequence s) {
        int most = Math.min(s.behind(), budget);
        int rows = promptRows;
        for (int n = 0; n < most; n++) {
            if (s.wantsPromptRow(s.computed() + n) && rows-- == 0) {
                return n;
            }
        }
        return most;
    }

    private boolean makeRoom(Sequence s, int count) {
        while (!s.blocks().reserve(s.computed() + count)) {
            Sequence victim = restingVictim();
            victim = victim == null ? running.getLast() : victim;
            preempt(victim);
            if (victim == s) {
                return false;
            }
        }
        return true;
    }

    /** The youngest sequence whose reader is behind: it holds blocks that it does not need now. */
    private Sequence restingVictim() {
        for (int i = running.size() - 1; i >= 0; i--) {
            Sequence s = running.get(i);
            // One that its reader stopped during this step may be in the batch already.
            if (s.group().paused() && !scheduled.contains(s)) {
                return s;
            }
        }
        return null;
    }

    private void preempt(Sequence s) {
        leave(s);
        s.group().preempted();
        waiting.addFirst(s);
        preemptions++;
    }

    /** Takes a sequence out, wherever it is, and gives its blocks and slot back. */
    void remove(Sequence s) {
        if (s.running()) {
            leave(s);
        } else {
            waiting.remove(s);
        }
    }

    private void leave(Sequence s) {
        running.remove(s);
        s.releaseBlocks();
        slots.push(s.slot());
        slotReleased.accept(s.slot());
        s.stop();
    }

    private void put(StepBatch b, Sequence s, int count) {
        int q = b.sequences++;
        b.queryStart[q] = b.tokens;
        for (int i = 0; i < count; i++) {
            int position = s.computed() + i;
            b.tokenIds[b.tokens] = s.tokens()[position];
            b.positions[b.tokens] = position;
            b.kvSlots[b.tokens] = s.blocks().slot(position);
            boolean promptRow = s.wantsPromptRow(position);
            if (promptRow || position == s.length() - 1 && !s.scoresOnly()) {
                rowSequences.add(s);
                rowPositions[b.logitRows] = position;
                b.logitRow[b.logitRows++] = b.tokens;
                promptRows -= promptRow ? 1 : 0;
            }
            b.tokens++;
        }
        s.advance(count);
        b.queryStart[q + 1] = b.tokens;
        b.contextLength[q] = s.computed();
        b.sequenceSlot[q] = s.slot();
        s.blocks().copyTo(b.blockTable, q * b.maxBlocks);
        scheduled.add(s);
        s.group().scheduled();
        budget -= count;
    }
}
