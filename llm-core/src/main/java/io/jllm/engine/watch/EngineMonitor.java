package io.jllm.engine.watch;

import io.jllm.EngineListener.Step;
import io.jllm.EngineMetrics;
import io.jllm.FinishReason;
import io.jllm.MemoryReport;
import io.jllm.RequestOutput;
import io.jllm.engine.kv.BlockPool;
import io.jllm.engine.schedule.PlannedStep;
import io.jllm.engine.schedule.Scheduler;
import io.jllm.engine.sequence.Clock;
import io.jllm.engine.sequence.RequestEvents;
import io.jllm.engine.sequence.SchedulingUnit;
import io.jllm.engine.sequence.Sequence;
import io.jllm.engine.sequence.SequenceGroup;
import io.jllm.spi.ModelRunner;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;

/**
 * Counts what the engine does, publishes the counts and tells listeners. Called on the engine's thread, but for {@link #metrics},
 * {@link #memory} and {@link #refused}.
 */
public final class EngineMonitor implements RequestEvents {
    private static final System.Logger LOG = System.getLogger("io.jllm");

    private final Listeners listeners;
    private final Scheduler scheduler;
    private final BlockPool pool;
    private final int blockSize;
    private final ModelRunner runner;
    private final long opened = Clock.nanos();
    private final LongAdder refused = new LongAdder();
    private final RecentCounts recent;
    private volatile MemoryReport memory = new MemoryReport(0, 0, 0, 0);
    private volatile long closed;
    private long[] finishedBy = new long[FinishReason.values().length];
    private long steps;
    private long computed;
    private long prefilled;
    private long generated;
    private long cached;
    private long sequences;
    private long busy;
    private int batchSize;
    private boolean heard;
    private boolean memoryFailed;

    /** @param blockSize positions a KV block */
    public EngineMonitor(Listeners listeners, Scheduler scheduler, BlockPool pool, int blockSize, ModelRunner runner) {
        this.listeners = listeners;
        this.scheduler = scheduler;
        this.pool = pool;
        this.blockSize = blockSize;
        this.runner = runner;
        recent = new RecentCounts(counts(opened));
        readMemory();
    }

    public EngineMetrics metrics() {
        long end = closed;
        long asked = Clock.nanos();
        EngineCounts base = recent.base(asked);
        EngineCounts newest = recent.newest();
        long now = Math.max(asked, newest.at()); // the engine may have counted since
        return newest.metrics(base, RecentCounts.window(base, now), (end == 0 ? now : end) - opened, refused.sum());
    }

    public MemoryReport memory() {
        return memory;
    }

    @Override
    public void queued(SequenceGroup g) {
        listeners.tell(l -> l.queued(g.id(), g.promptIds().length));
    }

    @Override
    public void started(SequenceGroup g, int cachedTokens) {
        listeners.tell(l -> l.started(g.id(), cachedTokens));
    }

    @Override
    public void cacheHit(SequenceGroup g, int tokens) {
        cached += tokens;
        listeners.tell(l -> l.prefixCacheHit(g.id(), tokens));
    }

    @Override
    public void firstToken(SequenceGroup g) {
        listeners.tell(l -> l.firstToken(g.id()));
    }

    @Override
    public void preempted(SequenceGroup g) {
        listeners.tell(l -> l.preempted(g.id()));
    }

    /** Who has the result after this finds it in the counts. */
    @Override
    public void finished(RequestOutput output) {
        finishedBy = finishedBy.clone(); // the old one is published
        finishedBy[reason(output).ordinal()]++;
        publish(Clock.nanos());
        listeners.tell(l -> l.finished(output));
    }

    private static FinishReason reason(RequestOutput output) {
        if (output.error().isPresent()) {
            return FinishReason.ERROR;
        }
        return output.outputs().stream().anyMatch(o -> o.finishReason() == FinishReason.CANCELLED) ? FinishReason.CANCELLED
                : output.finishReason();
    }

    /** A request was turned away; safe from any thread. */
    public void refused(RequestOutput output) {
        refused.increment();
        listeners.tell(l -> l.refused(output));
    }

    /** Tokens were drawn. */
    public void generated(int tokens) {
        generated += tokens;
    }

    /** A step is planned, and the one before it is over. */
    public void stepStarted() {
        heard = listeners.hearSteps();
        if (heard) {
            listeners.tell(l -> l.stepStarted(steps + 1));
        }
    }

    /** The forward pass of a step has succeeded. */
    public void computed(PlannedStep s) {
        steps++;
        computed += s.tokens();
        prefilled += s.tokens() - s.decodes();
        sequences += s.sequences();
        batchSize = s.sequences();
    }

    /**
     * A step is over.
     *
     * @param schedule nanoseconds to plan it
     * @param forward nanoseconds of its forward pass
     * @param delivering when its delivery began, by {@link Clock}
     */
    public void stepEnded(PlannedStep s, long schedule, long forward, long delivering) {
        long now = Clock.nanos();
        busy += schedule + forward + now - delivering;
        readMemory();
        publish(now);
        if (heard) {
            var step = new Step(steps, s.sequences(), s.tokens(), s.tokens() - s.decodes(), s.decodes(), scheduler.running(), scheduler.waiting(),
                    pool.blocks(), pool.blocks() - pool.available(), unfilled(), memory.kv(), Duration.ofNanos(schedule), Duration.ofNanos(forward),
                    Duration.ofNanos(now - delivering));
            listeners.tell(l -> l.step(step));
        }
    }

    /** A step has failed, which took so many nanoseconds. */
    public void stepFailed(long nanos) {
        busy += nanos;
        readMemory();
        publish(Clock.nanos());
    }

    /** There is nothing to compute. */
    public void idle() {
        batchSize = 0;
        publish(Clock.nanos());
    }

    /** The engine has ended: nothing is held any more. */
    public void closed() {
        memory = new MemoryReport(0, 0, 0, 0);
        closed = Clock.nanos();
        idle();
    }

    private void publish(long now) {
        recent.add(counts(now));
    }

    private EngineCounts counts(long now) {
        return new EngineCounts(now, scheduler.running(), paused(), scheduler.waiting(), finishedBy, steps, computed, prefilled,
                generated, cached, scheduler.preemptions(), pool.blocks(), pool.available(), pool.cache().idle(), batchSize, sequences, busy);
    }

    private int paused() {
        List<SchedulingUnit> units = scheduler.runningUnits();
        int paused = 0;
        for (int i = 0; i < units.size(); i++) { // no iterator: this is counted each step
            paused += units.get(i).group().paused() ? units.get(i).slotHolders().size() : 0;
        }
        return paused;
    }

    /** Which part of the positions in blocks of sequences is not written, those that the newest step writes counted as written. */
    private double unfilled() {
        long unfilled = 0;
        for (SchedulingUnit u : scheduler.runningUnits()) {
            for (Sequence s : u.active()) {
                unfilled += s.blocks().unfilled(s.computed());
            }
        }
        int used = pool.blocks() - pool.available();
        return used == 0 ? 0 : Math.min(1, unfilled / ((double) used * blockSize));
    }

    private void readMemory() {
        try {
            memory = runner.memory();
        } catch (Throwable t) {
            if (!memoryFailed) {
                LOG.log(System.Logger.Level.WARNING, "the backend did not tell its memory; the last known is reported", t);
            }
            memoryFailed = true;
        }
    }
}
