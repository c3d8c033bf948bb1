package io.jllm.engine.request;

import io.jllm.RequestRejectedException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * How many requests wait for a place in the batch, and who may add one. Callers that wait for room get it in the order in which they
 * came, and before those that do not wait: neither can starve them. Safe for all threads.
 */
public final class QueuePermits {
    private final int limit;
    private final ReentrantLock lock = new ReentrantLock();
    private final Deque<Condition> callers = new ArrayDeque<>();
    private int taken;
    private boolean closed;

    /** @param limit most requests that may wait */
    public QueuePermits(int limit) {
        this.limit = limit;
    }

    int limit() {
        return limit;
    }

    /**
     * Takes room for so many requests at once, or none.
     *
     * @throws RequestRejectedException if there is not enough
     */
    void takeNow(int count) {
        lock.lock();
        try {
            if (count > limit - taken || !callers.isEmpty() && count > 0) {
                throw new RequestRejectedException((count == 1 ? "the request was" : "the " + count + " requests were")
                        + " refused: " + taken + " wait already" + (callers.isEmpty() ? "" : ", " + callers.size()
                        + " callers wait for room") + ", and maxQueuedRequests is " + limit + "; try again later, "
                        + "call generate or beamSearch, which wait for room, or load with a larger maxQueuedRequests", taken, limit);
            }
            taken += count;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Takes room for a request, after waiting for it; false if the engine is closed.
     *
     * @param waiting called before it waits, under a lock: it must not wait itself
     */
    boolean take(Runnable waiting) throws InterruptedException {
        lock.lockInterruptibly();
        Condition turn = lock.newCondition();
        try {
            callers.addLast(turn);
            while (!closed && (callers.getFirst() != turn || taken == limit)) {
                waiting.run();
                turn.await();
            }
            taken += closed ? 0 : 1;
            return !closed;
        } finally {
            callers.remove(turn);
            signal();
            lock.unlock();
        }
    }

    /** A request no longer waits. */
    void giveBack() {
        lock.lock();
        try {
            taken--;
            signal();
        } finally {
            lock.unlock();
        }
    }

    /** Sends away all who wait for room, now and later. */
    public void close() {
        lock.lock();
        try {
            closed = true;
            callers.forEach(Condition::signal);
        } finally {
            lock.unlock();
        }
    }

    private void signal() {
        if (taken < limit && !callers.isEmpty()) {
            callers.getFirst().signal();
        }
    }
}
