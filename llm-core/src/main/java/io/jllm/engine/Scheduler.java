package io.jllm.engine;

import io.jllm.spi.ModelRunner;
import io.jllm.spi.StepBatch;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * Chooses, every step, how many tokens of which sequence to compute. There is no prefill mode and no decode mode: each
 * sequence gets the tokens that it is behind, oldest first, within a token budget. That one rule gives chunked prefill and
 * preemption by recomputation.
 */
final class Scheduler {
    private final BlockPool pool;
    private final SchedulerLimits limits;
    private final ModelRunner runner;
    private final Deque<Unit> waiting = new ArrayDeque<>();
    private final List<Unit> running = new ArrayList<>();
    private final SequenceSlots slots;
    private final List<Unit> scheduled = new ArrayList<>();
    private final BlockCopies copies = new BlockCopies();
    private final StepRows rows;
    private final int[] counts;
    private long preemptions;
    private int decodes;
    private int budget;
    private int promptRows;

    /** The runner is told when a sequence slot passes on or no longer belongs to its sequence. */
    Scheduler(BlockPool pool, SchedulerLimits limits, ModelRunner runner) {
        this.pool = pool;
        this.limits = limits;
        this.runner = runner;
        rows = new StepRows(limits.maxLogitRows());
        counts = new int[limits.maxSequences()];
        slots = new SequenceSlots(runner, limits.maxSequences());
    }

    /** Takes in a request by its first unit. */
    void add(Unit u) {
        u.active().getFirst().place(new BlockTable(pool, limits.blockSize(), u.group().params().cacheSalt()));
        waiting.addLast(u);
    }

    int waiting() {
        return waiting.size();
    }

    /** Sequences that hold a slot. */
    int running() {
        return slots.taken();
    }

    /** The units in the batch. */
    List<Unit> runningUnits() {
        return running;
    }

    /** How many tokens of the last step are the newest of sequences that had nothing else to compute. */
    int decodes() {
        return decodes;
    }

    long preemptions() {
        return preemptions;
    }

    /** The units of the last step. */
    List<Unit> scheduled() {
        return scheduled;
    }

    /** The rows of logits of the last step. */
    StepRows rows() {
        return rows;
    }

    /** All units, running ones first. */
    List<Unit> all() {
        var all = new ArrayList<>(running);
        all.addAll(waiting);
        return all;
    }

    /** What must be copied before the step computes, to be done once, one round after the other. */
    List<int[]> copies() {
        return copies.take();
    }

    /** Fills the batch with the next step; empty if nothing can be computed now. */
    void schedule(StepBatch b) {
        b.clear();
        scheduled.clear();
        rows.clear();
        decodes = 0;
        budget = limits.maxTokens();
        promptRows = limits.maxLogitRows() - limits.maxSequences();
        long before = preemptions;
        for (int i = 0; i < running.size() && budget > 0;) {
            Unit u = running.get(i);
            if (!u.group().paused() && plan(u) && makeRoom(u)) {
                put(b, u);
            }
            // A preemption may have moved the units before this one.
            i = u.running() ? running.indexOf(u) + 1 : running.size();
        }
        if (preemptions == before) {
            admit(b);
        }
    }

    /** Makes known what the last step has computed. */
    void remember() {
        if (limits.prefixCache()) {
            for (Unit u : scheduled) {
                u.active().forEach(s -> s.blocks().remember(s.tokens(), s.computed()));
            }
        }
    }

    /** Has sequences branch off where that is due, after a forward pass. */
    void fork(Unit u) {
        List<? extends Unit> born = u.fork(runner);
        born.forEach(b -> b.running(true));
        running.addAll(running.indexOf(u) + 1, born);
    }

    private void admit(StepBatch b) {
        while (budget > 0) {
            Unit u = waiting.stream().filter(w -> !w.group().paused()).findFirst().orElse(null);
            if (u == null || !findSlots(u.seats().size())) {
                return;
            }
            Sequence leader = u.active().getFirst();
            int cached = limits.prefixCache() ? leader.reuse(u.wanted(leader) - 1) : 0;
            if (!plan(u) || !reserveByResting(u)) {
                u.rest();
                return;
            }
            waiting.remove(u);
            running.add(u);
            u.running(true);
            u.seats().forEach(s -> s.sit(slots.take()));
            u.group().reused(cached);
            u.group().admitted();
            put(b, u);
        }
    }

    private boolean findSlots(int count) {
        while (slots.free() < count) {
            Unit resting = restingVictim();
            if (resting == null) {
                return false;
            }
            preempt(resting);
        }
        return true;
    }

    private boolean reserveByResting(Unit u) {
        while (!reserve(u)) {
            Unit resting = restingVictim();
            if (resting == null) {
                return false;
            }
            preempt(resting);
        }
        return true;
    }

    /** Decides how many tokens of each of its sequences to compute; false if none. */
    private boolean plan(Unit u) {
        if (budget < u.least()) {
            return false;
        }
        int left = budget;
        List<Sequence> active = u.active();
        for (int i = 0; i < active.size(); i++) {
            counts[i] = chunk(active.get(i), Math.min(u.wanted(active.get(i)), left));
            left -= counts[i];
        }
        return left < budget;
    }

    /** At most so many, by what is left of the rows for log-probabilities of prompts. */
    private int chunk(Sequence s, int most) {
        int rows = promptRows;
        for (int n = 0; n < most; n++) {
            if (s.wantsPromptRow(s.computed() + n) && rows-- == 0) {
                return n;
            }
        }
        return most;
    }

    /** Takes the blocks for what is planned; false if there are too few. */
    private boolean reserve(Unit u) {
        List<Sequence> active = u.active();
        for (int i = 0; i < active.size(); i++) {
            Sequence s = active.get(i);
            if (counts[i] > 0 && !s.blocks().reserve(s.computed(), s.computed() + counts[i], copies)) {
                return false;
            }
        }
        return true;
    }

    private boolean makeRoom(Unit u) {
        while (!reserve(u)) {
            Unit victim = restingVictim();
            victim = victim == null ? running.getLast() : victim;
            preempt(victim);
            if (victim == u) {
                return false;
            }
        }
        return true;
    }

    /** The youngest unit whose reader is behind: it holds blocks that it does not need now. */
    private Unit restingVictim() {
        for (int i = running.size() - 1; i >= 0; i--) {
            Unit u = running.get(i);
            // One that its reader stopped during this step may be in the batch already.
            if (u.group().paused() && !scheduled.contains(u)) {
                return u;
            }
        }
        return null;
    }

    private void preempt(Unit u) {
        leave(u);
        u.group().preempted();
        waiting.addFirst(u);
        preemptions++;
    }

    /** Takes a unit out, wherever it is, and gives its blocks and slots back. */
    void remove(Unit u) {
        if (u.running()) {
            leave(u);
        } else {
            waiting.remove(u);
        }
    }

    private void leave(Unit u) {
        running.remove(u);
        u.running(false);
        u.rest();
        for (Sequence s : u.seats()) {
            if (s.seated()) {
                slots.give(s.slot());
                s.standUp();
            }
        }
    }

    private void put(StepBatch b, Unit u) {
        List<Sequence> active = u.active();
        for (int i = 0; i < active.size(); i++) {
            if (counts[i] > 0) {
                put(b, active.get(i), counts[i]);
            }
        }
        scheduled.add(u);
        u.group().scheduled();
    }

    private void put(StepBatch b, Sequence s, int count) {
        int q = b.sequences++;
        b.queryStart[q] = b.tokens;
        for (int i = 0; i < count; i++) {
            int position = s.computed() + i;
            b.tokenIds[b.tokens] = s.tokens()[position];
            b.positions[b.tokens] = position;
            b.kvSlots[b.tokens] = s.blocks().slot(position);
            if (s.wantsPromptRow(position)) {
                rows.add(b, s, position);
                promptRows--;
            } else if (position == s.length() - 1) {
                s.unit().rows(s).forEach(of -> rows.add(b, of, position));
            }
            b.tokens++;
        }
        decodes += count == 1 && s.behind() == 1 && s.generated() > 0 ? 1 : 0;
        s.advance(count);
        b.queryStart[q + 1] = b.tokens;
        b.contextLength[q] = s.computed();
        b.sequenceSlot[q] = s.slot();
        s.blocks().copyTo(b.blockTable, q * b.maxBlocks);
        budget -= count;
    }
}
