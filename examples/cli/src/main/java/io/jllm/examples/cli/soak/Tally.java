package io.jllm.examples.cli.soak;

import java.util.concurrent.atomic.AtomicInteger;

/** Counts of a soak so far. Safe for all threads. */
final class Tally {
    private final AtomicInteger finished = new AtomicInteger();
    private final AtomicInteger lost = new AtomicInteger();
    private final AtomicInteger wrong = new AtomicInteger();
    private final AtomicInteger refusals = new AtomicInteger();

    /** A request has ended. */
    void end(boolean right, int refused) {
        finished.incrementAndGet();
        refusals.addAndGet(refused);
        if (!right) {
            wrong.incrementAndGet();
        }
    }

    /** Nobody will ever know what became of so many requests. */
    void lose(int count) {
        lost.addAndGet(count);
    }

    int finished() {
        return finished.get();
    }

    int lost() {
        return lost.get();
    }

    int wrong() {
        return wrong.get();
    }

    int refusals() {
        return refusals.get();
    }
}
