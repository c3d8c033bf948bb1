package io.jllm.cpu;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/**
 * Threads that work on one loop at a time together with the thread that calls {@link #run}, which is member 0. Iterations are
 * taken one by one, so a member that loses its core delays no more than the iteration it holds.
 *
 * <p>Whoever waits, for work or for the others, spins for {@value #SPIN_NANOS} nanoseconds and then parks: between two ops of
 * a step nobody sleeps, and an idle team costs nothing. One thread at a time may call {@link #run} and {@link #close}.
 */
final class ThreadTeam implements AutoCloseable {
    private static final long SPIN_NANOS = 20_000;
    private static final int SPINS_BETWEEN_CLOCK_READS = 64;
    private static final int MEMBER_BITS = 16;

    /** One iteration of a loop. */
    interface Task {
        /**
         * Runs an iteration.
         *
         * @param index which one
         * @param member who runs it, 0 to {@link ThreadTeam#size} - 1: for scratch memory of a thread's own
         */
        void run(int index, int member);
    }

    private final Worker[] workers;
    private final AtomicInteger next = new AtomicInteger();
    private final AtomicInteger working = new AtomicInteger();
    private final AtomicReference<Throwable> failure = new AtomicReference<>();
    private final Condition allDone = () -> working.get() == 0;
    private Task task = (_, _) -> { };
    private int count;
    /** Number of the loop above the number of members in it, in one word: who is not in a loop must not look at its fields. */
    private volatile long loop;
    private volatile Thread owner = Thread.currentThread();
    private volatile boolean ownerParked;
    private volatile boolean closed;

    /** Starts {@code size - 1} daemon threads. */
    ThreadTeam(int size, String name) {
        workers = new Worker[size - 1];
        for (int i = 0; i < workers.length; i++) {
            workers[i] = new Worker(name + "-" + (i + 1), i + 1);
        }
        try {
            for (Worker w : workers) {
                w.start();
            }
        } catch (OutOfMemoryError e) { // the system gives no more threads
            close();
            throw e;
        }
    }

    /** Members, the caller included. */
    int size() {
        return workers.length + 1;
    }

    /**
     * Runs iterations 0 to {@code count - 1}, in any order, each once, and returns when all are done. The first exception of
     * any member stops the loop and is thrown here; the team stays usable.
     */
    void run(int count, Task task) {
        if (closed) {
            throw new IllegalStateException("the thread team is closed");
        }
        int members = Math.min(size(), count);
        if (members <= 1) {
            for (int i = 0; i < count; i++) {
                task.run(i, 0);
            }
            return;
        }
        this.task = task;
        this.count = count;
        owner = Thread.currentThread();
        next.set(0);
        working.set(members - 1);
        loop = ((loop >>> MEMBER_BITS) + 1) << MEMBER_BITS | members;
        for (int i = 0; i < members - 1; i++) {
            workers[i].wake();
        }
        work(0);
        awaitWorkers();
        switch (failure.getAndSet(null)) {
            case null -> { }
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            case Throwable t -> throw new IllegalStateException(t); // a task declares no other
        }
    }

    private void work(int member) {
        try {
            for (int i = next.getAndIncrement(); i < count; i = next.getAndIncrement()) {
                task.run(i, member);
            }
        } catch (Throwable t) { // every kind: a thread that died would leave the others waiting
            next.set(count);
            if (!failure.compareAndSet(null, t) && failure.get() != t) {
                failure.get().addSuppressed(t);
            }
        }
    }

    private void awaitWorkers() {
        if (spin(allDone)) {
            return;
        }
        ownerParked = true;
        while (working.get() != 0) {
            LockSupport.park(this);
        }
        ownerParked = false;
    }

    private interface Condition {
        boolean holds();
    }

    private static boolean spin(Condition condition) {
        long start = System.nanoTime();
        do {
            for (int i = 0; i < SPINS_BETWEEN_CLOCK_READS; i++) {
                if (condition.holds()) {
                    return true;
                }
                Thread.onSpinWait();
            }
        } while (System.nanoTime() - start < SPIN_NANOS);
        return false;
    }

    /** Ends the threads and waits for them. May be called again. */
    @Override
    public void close() {
        closed = true;
        boolean interrupted = false;
        for (Worker w : workers) {
            w.wake();
            while (w.isAlive()) {
                try {
                    w.join();
                } catch (InterruptedException _) {
                    interrupted = true; // the memory they use is freed next: nothing may cut this wait short
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private final class Worker extends Thread {
        private final int member;
        private final Condition hasNews = () -> loop != seen() || closed;
        private long seen;
        private volatile boolean parked;

        Worker(String name, int member) {
            super(name);
            this.member = member;
            setDaemon(true);
        }

        private long seen() {
            return seen;
        }

        void wake() {
            if (parked) {
                LockSupport.unpark(this);
            }
        }

        @Override
        public void run() {
            while (true) {
                awaitNews();
                if (closed) {
                    return;
                }
                long now = loop;
                seen = now;
                if (member < (now & (1 << MEMBER_BITS) - 1)) {
                    work(member);
                    if (working.decrementAndGet() == 0 && ownerParked) {
                        LockSupport.unpark(owner);
                    }
                }
            }
        }

        private void awaitNews() {
            if (spin(hasNews)) {
                return;
            }
            parked = true;
            while (!hasNews.holds()) {
                LockSupport.park(ThreadTeam.this);
            }
            parked = false;
        }
    }
}
