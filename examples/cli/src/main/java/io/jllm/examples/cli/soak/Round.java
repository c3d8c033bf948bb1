package io.jllm.examples.cli.soak;

import io.jllm.EngineMetrics;
import io.jllm.LLM;
import io.jllm.RequestOutput;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.function.Function;

/** Requests that many threads make, each the next one that nobody has made yet. */
final class Round {
    private static final int RESET_EVERY = 97;
    private static final long LOOK_MILLIS = 20;

    private final Queue<Turn> turns;
    private final Function<Turn, RequestOutput> alone;
    private final LLM llm;
    private final Ends ends;
    private final SoakLog log;
    private final Tally tally;
    private final Runnable tick;
    private volatile boolean givenUp;

    /** @param alone what the right answer is */
    Round(List<Turn> turns, Function<Turn, RequestOutput> alone, LLM llm, Ends ends, SoakLog log, Tally tally, Runnable tick) {
        this.turns = new ConcurrentLinkedQueue<>(turns);
        this.alone = alone;
        this.llm = llm;
        this.ends = ends;
        this.log = log;
        this.tally = tally;
        this.tick = tick;
    }

    /**
     * Makes all requests, and waits until the engine has nothing left to do.
     *
     * @param patienceMillis how long the engine may do nothing while requests wait for it, before they count as lost
     * @return whether all is done; false if the engine stands still
     */
    boolean run(int threads, long patienceMillis) throws InterruptedException {
        var running = new ArrayList<Thread>();
        try (ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor()) {
            for (int i = 0; i < threads; i++) {
                Thread.Builder kind = i % 2 == 0 ? Thread.ofPlatform() : Thread.ofVirtual();
                running.add(kind.name("soak-" + i).start(() -> work(new Caller(llm, ends, timer))));
            }
            var patience = new Patience(patienceMillis);
            boolean done = false;
            while (!done && patience.lasts()) {
                Thread.sleep(LOOK_MILLIS);
                done = running.stream().noneMatch(Thread::isAlive) && idle();
            }
            if (!done) {
                turns.clear();
                tally.lose((int) running.stream().filter(Thread::isAlive).count());
                givenUp = true;
                running.forEach(Thread::interrupt);
            }
            timer.shutdownNow();
            return done;
        }
    }

    private boolean idle() {
        EngineMetrics metrics = llm.metrics();
        return metrics.running() == 0 && metrics.waiting() == 0 && ends.open() == 0;
    }

    /** Whether anything goes on. */
    private final class Patience {
        private final long nanos;
        private long seen = -1;
        private long since = System.nanoTime();

        Patience(long millis) {
            nanos = millis * 1_000_000;
        }

        boolean lasts() {
            long now = llm.metrics().steps() + tally.finished();
            if (now != seen) {
                seen = now;
                since = System.nanoTime();
            }
            return System.nanoTime() - since < nanos;
        }
    }

    private void work(Caller caller) {
        for (Turn turn = turns.poll(); turn != null; turn = turns.poll()) {
            long start = System.nanoTime();
            try {
                if (turn.number() % RESET_EVERY == 0) {
                    llm.resetPrefixCache();
                }
                Answer answer = caller.take(turn);
                if (givenUp) {
                    return; // it was counted as lost
                }
                Optional<String> problem = Checker.problem(answer, alone.apply(turn));
                tally.end(problem.isEmpty(), answer.refusals());
                log.request(answer, problem, System.nanoTime() - start);
            } catch (Throwable t) { // whatever it is, no caller should have met with it
                if (givenUp) {
                    return;
                }
                tally.end(false, 0);
                log.failure(turn, "unexpected: " + t);
            }
            tick.run();
        }
    }
}
