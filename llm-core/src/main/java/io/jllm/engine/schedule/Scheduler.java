package io.jllm.engine.schedule;

import io.jllm.engine.kv.BlockPool;
import io.jllm.engine.kv.BlockTable;
import io.jllm.engine.kv.PrefixCache;
import io.jllm.engine.sequence.SchedulingUnit;
import io.jllm.engine.sequence.Sequence;
import io.jllm.spi.ModelRunner;
import io.jllm.spi.StepBatch;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Chooses, every step, how many tokens of which sequence to compute. There is no prefill mode and no decode mode: sequences
 * get the tokens that they are behind, within a budget of B tokens a step. That gives chunked prefill and preemption by recomputation. The budget is
 * larger in steps in which nobody generates, who would wait for them.
 *
 * <p><b>Who gets the budget.</b> First every sequence that is behind by its newest token alone: a step takes as many tokens as there
 * may be sequences, so those that generate advance in each step, by tokens known ahead too: half of what is left may be such. The rest, R
 * of the B tokens and never less than half of {@code B - maxSequences}, goes to those that have prompts to compute. The one that joined the
 * batch first gets half of R, or all that is left over; the others share the other half, those with the fewest tokens to go first. So,
 * preemptions aside, a prompt of L tokens in the batch is done
 * <ul>
 * <li>within {@code 2(A + L)/R + a + 1} steps, where A tokens of a prompts that joined before it were to go, whatever comes after it:
 *     short prompts never starve a long one;
 * <li>within {@code 2(S + L)/(R - 1) + 1} steps, where S tokens belong to prompts that have no more to go than it has, those to come
 *     included: a long prompt never blocks a short one.
 * </ul>
 * A prompt whose next block another one computes in the same step waits for it, and finds it in the prefix cache.
 *
 * <p><b>Who joins the batch.</b> See {@link WaitingQueue}. A unit joins when there are slots for its sequences, and blocks for all that
 * is known of its text and one more for each sequence that runs; nobody overtakes a unit that is next. Nobody joins in a step that
 * preempted.
 *
 * <p><b>Who is put back.</b> When a sequence needs a block and there is none: first a unit whose reader is behind, then the one of the
 * worst rank, be it the one in need. The best unit that runs is thus never put back for another, so there is always progress. Besides,
 * once for each border that it passes, a unit that grows past the length from which on texts are rotated otherwise.
 */
public final class Scheduler {
    private final BlockPool pool;
    private final SchedulerLimits limits;
    private final ModelRunner runner;
    private final WaitingQueue waiting = new WaitingQueue();
    /** By rank, the best first. */
    private final List<SchedulingUnit> running = new ArrayList<>();
    private final RotationRule rotation;
    private final SequenceSlots slots;
    private final StepBuilder step;
    private final List<SchedulingUnit> prompts = new ArrayList<>();
    private final Set<PrefixCache.Key> begun = new HashSet<>();
    private long joined;
    private long preemptions;

    /** The runner is told when a sequence slot passes on or no longer belongs to its sequence. */
    public Scheduler(BlockPool pool, SchedulerLimits limits, RotationRule rotation, ModelRunner runner) {
        this.rotation = rotation;
        this.pool = pool;
        this.limits = limits;
        this.runner = runner;
        step = new StepBuilder(limits);
        slots = new SequenceSlots(runner, limits.maxSequences());
    }

    /** Takes in a request by its first unit. */
    public void add(SchedulingUnit u) {
        u.active().getFirst().place(new BlockTable(pool, limits.blockSize(), u.group().cacheKey()));
        waiting.add(u);
    }

    public int waiting() {
        return waiting.size();
    }

    /** Sequences that hold a slot. */
    public int running() {
        return slots.taken();
    }

    /** The units in the batch. */
    public List<SchedulingUnit> runningUnits() {
        return running;
    }

    public long preemptions() {
        return preemptions;
    }

    /** All units, running ones first. */
    public List<SchedulingUnit> all() {
        var all = new ArrayList<>(running);
        all.addAll(waiting.all());
        return all;
    }

    /** What must be copied before the step computes, to be done once, one round after the other. */
    public List<int[]> copies() {
        return step.copies().take();
    }

    /** Whether the next step may be planned before the tokens are read that the last one draws. */
    public boolean mayPlanAhead() {
        return rotation.borders().isEmpty() || running.stream().map(u -> u.active().getFirst())
                .noneMatch(s -> rotation.outgrown(s.ropeLength(), s.length() + s.pending()));
    }

    /** Fills the batch with the next step; empty if nothing can be computed now. */
    public PlannedStep schedule(StepBatch b) {
        boolean mixed = running.stream().anyMatch(u -> u.generates() && !u.group().paused());
        PlannedStep planned = step.begin(b, mixed ? limits.mixedTokens() : limits.maxTokens());
        turnRound();
        long before = preemptions;
        decode();
        if (preemptions == before) {
            admit();
        }
        prefill();
        return planned;
    }

    /** Makes known what a step has computed, up to tokens that are not read yet. */
    public void remember(PlannedStep computed) {
        if (limits.prefixCache()) {
            computed.units().forEach(SchedulingUnit::remember);
        }
    }

    /** Has sequences branch off where that is due, after a forward pass. */
    public void fork(SchedulingUnit u) {
        List<? extends SchedulingUnit> born = u.fork(runner);
        born.forEach(b -> b.join(u));
        running.addAll(running.indexOf(u) + 1, born);
    }

    /** Puts back what has grown so long that all its positions are rotated otherwise: it is computed anew, in this step if there is room. */
    private void turnRound() {
        for (SchedulingUnit u : rotation.borders().isEmpty() ? List.<SchedulingUnit>of() : List.copyOf(running)) {
            Sequence leader = u.active().getFirst();
            if (rotation.outgrown(leader.ropeLength(), leader.length())) {
                preempt(u);
            }
        }
    }

    private void decode() {
        int ahead = (step.budget() - slots.taken()) / 2;
        for (int i = 0; i < running.size();) {
            SchedulingUnit u = running.get(i);
            long before = preemptions;
            int newest = u.active().size();
            if (u.generates() && !u.group().paused() && step.plan(u, Math.min(step.budget(), newest + ahead)) && makeRoom(u)) {
                ahead -= Math.max(0, step.put(u) - newest);
            }
            if (before != preemptions) { // units before this one may be gone; if it is gone itself, it was the last
                i = u.running() ? running.indexOf(u) : running.size();
            }
            i++;
        }
    }

    private void prefill() {
        prompts.clear();
        for (SchedulingUnit u : running) {
            if (u.behind() > 0 && !u.group().paused() && !step.scheduled().contains(u)) { // hardly any is behind after decode()
                prompts.add(u);
            }
        }
        if (prompts.isEmpty()) {
            return;
        }
        prompts.sort(Comparator.comparingLong(SchedulingUnit::joined));
        if (limits.prefixCache()) {
            begun.clear();
            prompts.removeIf(this::isComputedByAnother);
        }
        SchedulingUnit first = prompts.removeFirst();
        prompts.sort(Comparator.comparingInt(SchedulingUnit::behind)); // stable: the older first among equals
        long others = prompts.stream().mapToLong(SchedulingUnit::behind).sum();
        give(first, (int) Math.max(step.budget() - others, Math.ceilDiv(step.budget(), 2)));
        prompts.forEach(u -> give(u, step.budget()));
    }

    /** Takes what the prefix cache has by now, and looks whether a unit before this one computes the block that comes next. */
    private boolean isComputedByAnother(SchedulingUnit u) {
        if (u.active().size() > 1) {
            return false;
        }
        u.group().reused(u.reuse());
        return !u.active().getFirst().nextBlock().map(begun::add).orElse(true);
    }

    private void give(SchedulingUnit u, int tokens) {
        // What was preempted for the sake of another unit of this step is not there any more.
        if (u.running() && tokens > 0 && step.plan(u, tokens) && makeRoom(u)) {
            step.put(u);
        }
    }

    private void admit() {
        for (SchedulingUnit u = waiting.next(); u != null && findSlots(u.slotHolders().size()) && reserveText(u); u = waiting.next()) {
            waiting.join(u);
            u.join(joined++);
            int at = Collections.binarySearch(running, u, WaitingQueue.RANK);
            running.add(-at - 1, u);
            u.slotHolders().forEach(s -> s.takeSlot(slots.take()));
            u.group().admitted();
        }
    }

    private boolean findSlots(int count) {
        while (slots.free() < count) {
            if (!preemptResting()) {
                return false;
            }
        }
        return true;
    }

    /** Takes blocks for all that is known of a unit's text, and leaves one for each sequence that runs. */
    private boolean reserveText(SchedulingUnit u) {
        Sequence leader = u.active().getFirst();
        leader.rotate(rotation.chosen(leader.length()));
        while (true) {
            int cached = limits.prefixCache() ? u.reuse() : 0;
            if (leader.blocks().reserve(leader.computed(), leader.computed() + u.wanted(leader), step.copies())
                    && pool.available() >= slots.taken()) {
                u.group().reused(cached);
                return true;
            }
            u.rest();
            if (!preemptResting()) {
                return false;
            }
        }
    }

    private boolean makeRoom(SchedulingUnit u) {
        while (!step.reserve(u)) {
            if (!preemptResting()) {
                SchedulingUnit victim = worst();
                preempt(victim);
                if (victim == u) {
                    return false;
                }
            }
        }
        return true;
    }

    /** The running unit of the worst rank that is not in the batch. */
    private SchedulingUnit worst() {
        return running.reversed().stream().filter(u -> !step.scheduled().contains(u)).findFirst().orElseThrow();
    }

    /** Puts back a unit whose reader is behind, of the worst rank: it holds blocks that it does not need now. */
    private boolean preemptResting() {
        for (SchedulingUnit u : running.reversed()) {
            // One that its reader stopped during this step may be in the batch already.
            if (u.group().paused() && !step.scheduled().contains(u)) {
                preempt(u);
                return true;
            }
        }
        return false;
    }

    private void preempt(SchedulingUnit u) {
        leave(u);
        u.group().preempted();
        waiting.add(u);
        preemptions++;
    }

    /** Takes a unit out, wherever it is, and gives its blocks and slots back. */
    public void remove(SchedulingUnit u) {
        if (u.running()) {
            leave(u);
        } else {
            waiting.remove(u);
        }
    }

    private void leave(SchedulingUnit u) {
        running.remove(u);
        u.leave();
        u.rest();
        slots.give(u.slotHolders());
    }
}
