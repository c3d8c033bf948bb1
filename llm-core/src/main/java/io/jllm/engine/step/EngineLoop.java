package io.jllm.engine.step;

import io.jllm.EngineMetrics;
import io.jllm.FinishReason;
import io.jllm.MemoryReport;
import io.jllm.RequestOutput;
import io.jllm.engine.kv.BlockPool;
import io.jllm.engine.schedule.RotationRule;
import io.jllm.engine.schedule.Scheduler;
import io.jllm.engine.schedule.SchedulerLimits;
import io.jllm.engine.sequence.Clock;
import io.jllm.engine.sequence.Failures;
import io.jllm.engine.sequence.SchedulingUnit;
import io.jllm.engine.sequence.SequenceGroup;
import io.jllm.engine.watch.EngineMonitor;
import io.jllm.engine.watch.Listeners;
import io.jllm.spi.ModelRunner;
import io.jllm.spi.StepBatch;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/**
 * The engine's thread: takes in requests, and then step by step ({@link StepPipeline}) schedules, computes, samples and delivers. It alone touches
 * the runner, the scheduler and the sequences; callers only leave requests in the inbox and wake it.
 */
public final class EngineLoop implements Runnable {
    private static final System.Logger LOG = System.getLogger("io.jllm");

    private final BlockPool pool;
    private final Scheduler scheduler;
    private final EngineMonitor monitor;
    private final StepResults results;
    private final StepPipeline steps;
    private final AdapterDesk adapters;
    private final Runnable onClose;
    private final Queue<SequenceGroup> inbox = new ConcurrentLinkedQueue<>();
    /** Tokens of prompts that came to the inbox since it was emptied. */
    private final AtomicLong left = new AtomicLong();
    private final int stepTokens;
    private final Thread thread;
    private final AtomicBoolean cancels = new AtomicBoolean();
    private final AtomicBoolean resets = new AtomicBoolean();
    private volatile boolean closing;
    private volatile Throwable failure; // null but for a defect of the engine or a backend that failed for good
    private long deadline = Long.MAX_VALUE;

    /**
     * @param maxContext most positions of a sequence
     * @param rotation by what lengths texts are rotated
     * @param onClose gives back what the engine stands on; called on its thread when all requests have ended
     */
    public EngineLoop(ModelRunner runner, int vocab, int maxContext, SchedulerLimits limits, RotationRule rotation, Listeners listeners,
            Runnable onClose) {
        this.onClose = onClose;
        stepTokens = limits.maxTokens();
        adapters = new AdapterDesk(runner, this::wake, () -> closing);
        pool = new BlockPool(runner.blocks(), runner.cachedBlocks());
        scheduler = new Scheduler(pool, limits, rotation, runner);
        int blocksOfSequence = Math.min(pool.blocks(), Math.ceilDiv(maxContext, limits.blockSize()));
        var batch = new StepBatch(limits.maxTokens(), limits.maxSequences(), limits.maxLogitRows(), blocksOfSequence);
        monitor = new EngineMonitor(listeners, scheduler, pool, limits.blockSize(), runner);
        results = new StepResults(runner, vocab, limits.maxLogitRows(), scheduler, rotation, monitor);
        steps = new StepPipeline(runner, scheduler, batch, results, monitor);
        thread = Thread.ofPlatform().name("jllm-engine").daemon().unstarted(this);
    }

    public void start() {
        thread.start();
    }

    public EngineMetrics metrics() {
        return monitor.metrics();
    }

    public MemoryReport memory() {
        return monitor.memory();
    }

    /** A request was turned away before it came here. */
    public void refused(RequestOutput output) {
        monitor.refused(output);
    }

    /**
     * Leaves a request for the next step; false if the engine is closed and has not taken it. An idle engine begins once tokens are left for a
     * whole step, or is told to {@link #wake}: callers do that when they leave no more for now.
     */
    public boolean submit(SequenceGroup group) {
        if (closing) {
            return false;
        }
        inbox.add(group);
        if (left.addAndGet(group.promptIds().length) >= stepTokens) {
            wake();
        }
        // The engine may have emptied its inbox for the last time before this request came.
        return !closing || !inbox.remove(group);
    }

    public boolean closed() {
        return closing;
    }

    /** Refuses calls when the engine is closed. */
    public void checkOpen() {
        if (closing) {
            Throwable cause = failure;
            throw cause == null ? new IllegalStateException("this LLM is closed; open another")
                    : new IllegalStateException("this LLM is closed, for its engine failed: " + cause + "; open another", cause);
        }
    }

    /** Refuses calls that wait for the engine, where the engine would wait for itself. */
    public void checkMayWait(String what) {
        if (Thread.currentThread() == thread) {
            throw new IllegalStateException(what + " waits for the engine, so its own thread, which runs logits processors, cannot do it;"
                    + " use submit or generateAsync, or another thread");
        }
    }

    /** Ends a request as cancelled, before its next step. */
    public void cancel(SequenceGroup group) {
        group.cancel();
        cancels.set(true);
        wake();
    }

    /** Forgets all shared prefixes, before the next step. */
    public void resetPrefixCache() {
        checkOpen();
        resets.set(true);
        wake();
    }

    /** Where orders are left to load and unload adapters. */
    public AdapterDesk adapters() {
        return adapters;
    }

    /** Has the engine look at its inbox and at readers again. */
    public void wake() {
        LockSupport.unpark(thread);
    }

    /** Ends all requests as cancelled and gives everything back. Waits for that, but for calls on the engine's own thread. */
    public void close() {
        closing = true;
        wake();
        boolean interrupted = false;
        while (Thread.currentThread() != thread && thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true; // closing must end; the caller finds out below
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void run() {
        try {
            while (!closing) {
                takeIn();
                long wait = endCancelled();
                if (!steps.step()) {
                    LockSupport.parkNanos(this, wait);
                    Thread.interrupted(); // an application's processor may have interrupted us: never spin for that
                }
            }
            end(g -> results.end(g, FinishReason.CANCELLED));
        } catch (Throwable t) {
            // A defect of the engine, or a backend that cannot even forget: nobody must wait for it for ever.
            failure = t;
            closing = true;
            attempt("ending the requests of a failed engine", () -> end(g -> results.fail(g, Failures.asRuntime(t))));
            attempt("saying that the engine stopped", () -> LOG.log(System.Logger.Level.ERROR, "the engine stopped, and its LLM is closed", t));
        } finally {
            attempt("closing an LLM; memory may be lost", onClose);
        }
    }

    /** Nothing leaves this thread uncaught, and nothing keeps what comes after from being done. */
    private static void attempt(String what, Runnable last) {
        try {
            last.run();
        } catch (Throwable t) {
            try {
                LOG.log(System.Logger.Level.ERROR, "failed: " + what, t);
            } catch (Throwable _) {
                // an application's log handler, or no memory to log with: there is nobody left to tell
            }
        }
    }

    /** Ends all requests, those in the inbox, too; one that fails to end does not keep the others. */
    private void end(Consumer<SequenceGroup> ending) {
        groups().forEach(g -> end(g, ending));
        for (SequenceGroup g = inbox.poll(); g != null; g = inbox.poll()) {
            g.enter(monitor);
            end(g, ending);
        }
        adapters.close();
        monitor.closed();
    }

    private static void end(SequenceGroup g, Consumer<SequenceGroup> ending) {
        try {
            ending.accept(g);
        } catch (Throwable t) {
            attempt("ending request " + g.id(), () -> g.fail(Failures.asRuntime(t)));
        }
    }

    private void takeIn() {
        if (resets.getAndSet(false)) {
            pool.forgetAll();
        }
        left.set(0);
        for (SequenceGroup g = inbox.poll(); g != null; g = inbox.poll()) {
            g.enter(monitor);
            if (!adapters.has(g.adapter())) {
                g.fail(new IllegalArgumentException("the adapter \"" + g.adapter().name() + "\" was unloaded before the request began"));
                continue;
            }
            try {
                scheduler.add(g.units().getFirst());
            } catch (Throwable t) {
                g.fail(Failures.asRuntime(t)); // out of memory: no list holds it now
            }
            deadline = Math.min(deadline, g.deadline());
            if (g.cancelled()) {
                cancels.set(true); // it may have been cancelled when only the inbox knew it
            }
        }
        if (adapters.work(this::groups)) {
            wake();
        }
    }

    /** Ends what was cancelled or is out of time; returns nanoseconds until the next deadline. */
    private long endCancelled() {
        long now = Clock.nanos();
        if (cancels.getAndSet(false) || now >= deadline) {
            deadline = Long.MAX_VALUE;
            for (SequenceGroup g : groups()) {
                if (g.cancelled() || now >= g.deadline()) {
                    results.end(g, FinishReason.CANCELLED);
                } else {
                    deadline = Math.min(deadline, g.deadline());
                }
            }
        }
        return deadline == Long.MAX_VALUE ? Long.MAX_VALUE : Math.max(1, deadline - now);
    }

    /** The requests that have not ended. */
    private List<SequenceGroup> groups() {
        return scheduler.all().stream().map(SchedulingUnit::group).distinct().filter(g -> !g.done()).toList();
    }
}
