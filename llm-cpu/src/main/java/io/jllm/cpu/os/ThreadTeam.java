package io.jllm.cpu.os;

import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntConsumer;

/**
 * Threads that work on one loop at a time together with the thread that calls {@link #run}, which is member 0. Every member has a
 * share of the iterations, in one piece, and takes them one by one; then it takes what others have not come to. So the same member
 * mostly reads the same weights, wherever they are near to it, and yet one that loses its core delays no more than the iteration it
 * holds: a loop ends with its last iteration, and nobody waits for a member that has none.
 *
 * <p>Whoever waits, for work or for the others, spins for {@value #SPIN_NANOS} nanoseconds and then parks: between two ops of
 * a step nobody sleeps, and an idle team costs nothing. A team of more members than the process has processors hardly spins. One
 * thread at a time may call {@link #run} and {@link #close}.
 *
 * <p>Members are not tied to a processor each: a library shares them with the application around it, and where a processor is taken away,
 * a member that is tied to it cannot make room. What is done on their threads before all else may tie them to some.
 */
public final class ThreadTeam implements AutoCloseable {
    private static final long SPIN_NANOS = 20_000;
    private static final int SPINS_BETWEEN_CLOCK_READS = 64;
    /** Longs from one share to the next: two cache lines, for they are fetched in pairs. */
    private static final int STRIDE = 16;

    /** One iteration of a loop. */
    public interface Task {
        /**
         * Runs an iteration.
         *
         * @param index which one
         * @param member who runs it, 0 to {@link ThreadTeam#size} - 1: for scratch memory of a thread's own
         */
        public void run(int index, int member);
    }

    private interface Condition {
        boolean holds();
    }

    private final IntConsumer begin;
    private final Worker[] workers;
    private final long spinNanos;
    /** Of each share, the next iteration above its end, 32 bits each. Whoever raises the former has taken the iteration. */
    private final AtomicLongArray shares;
    /**
     * Of each member, how many iterations of all loops it has finished, as far as it has told: nobody else writes there, for a counter
     * that all of many members write passes from processor to processor. While an iteration is not told, the loop's fields stay as they are.
     */
    private final AtomicLongArray finished;
    /** Iterations of all loops up to this one. The owner's. */
    private long begun;
    private final FirstFailure failure = new FirstFailure();
    private final Condition allDone = this::allDone;
    private Task task = (_, _) -> { };
    private volatile int loop;
    private volatile Thread owner = Thread.currentThread();
    private volatile boolean ownerParked;
    private volatile boolean closed;

    /** Starts {@code size - 1} daemon threads. */
    public ThreadTeam(int size, String name) {
        this(size, name, _ -> { });
    }

    /**
     * The same.
     *
     * @param begin what each of these threads does first, with the number of its member; what that throws, the next {@link #run} does
     */
    public ThreadTeam(int size, String name, IntConsumer begin) {
        this.begin = begin;
        spinNanos = size > Runtime.getRuntime().availableProcessors() ? 0 : SPIN_NANOS;
        shares = new AtomicLongArray(size * STRIDE);
        finished = new AtomicLongArray(size * STRIDE);
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
    public int size() {
        return workers.length + 1;
    }

    /**
     * Runs iterations 0 to {@code count - 1}, in any order, each once, and returns when all are done. The first exception of
     * any member stops the loop and is thrown here; the team stays usable.
     */
    public void run(int count, Task task) {
        if (closed) {
            throw new IllegalStateException("the thread team is closed");
        }
        int members = Math.min(size(), count);
        if (members <= 1) {
            for (int i = 0; i < count; i++) {
                task.run(i, 0);
            }
            failure.rethrow();
            return;
        }
        this.task = task;
        owner = Thread.currentThread();
        begun += count;
        int from = 0;
        for (int i = 0; i < members; i++) {
            int to = (int) ((long) count * (i + 1) / members);
            shares.set(i * STRIDE, (long) from << Integer.SIZE | to);
            from = to;
        }
        loop++; // by this thread alone
        for (int i = 0; i < members - 1; i++) {
            workers[i].wake();
        }
        work(0);
        awaitOthers();
        failure.rethrow();
    }

    /**
     * Takes iterations while there are some. A member that comes late may find those of the next loop, and nothing is wrong with that:
     * until it tells what it has finished, the loop of the iteration it holds goes on.
     */
    private void work(int member) {
        for (int i = 0; i < size(); i++) {
            int share = member + i < size() ? member + i : member + i - size();
            int taken = 0;
            for (int index = take(share); index >= 0; index = take(share)) {
                taken++;
                try {
                    task.run(index, member);
                } catch (Throwable t) { // every kind: a thread that died would leave the others waiting
                    failure.add(t);
                    taken += takeAll();
                }
            }
            if (taken > 0) {
                // Before a look at what others have left, which takes longer than an iteration where they are many.
                finished.set(member * STRIDE, finished.get(member * STRIDE) + taken);
                if (ownerParked) {
                    LockSupport.unpark(owner);
                }
            }
        }
    }

    /** Takes what nobody shall run; how much that was. */
    private int takeAll() {
        int taken = 0;
        for (int share = 0; share < size(); share++) {
            while (take(share) >= 0) {
                taken++;
            }
        }
        return taken;
    }

    /** The next iteration of a share; -1 if all are taken. */
    private int take(int share) {
        while (true) {
            long now = shares.get(share * STRIDE);
            int next = (int) (now >>> Integer.SIZE);
            if (next >= (int) now) {
                return -1;
            }
            if (shares.compareAndSet(share * STRIDE, now, now + (1L << Integer.SIZE))) {
                return next;
            }
        }
    }

    /** No counter gets lower, nor their sum higher than what was begun: so it does not matter that they are read one by one. */
    private boolean allDone() {
        long sum = 0;
        for (int member = 0; member < size(); member++) {
            sum += finished.get(member * STRIDE);
        }
        return sum == begun;
    }

    private void awaitOthers() {
        if (spin(allDone)) {
            return;
        }
        ownerParked = true;
        while (!allDone.holds()) {
            LockSupport.park(this);
        }
        ownerParked = false;
    }

    private boolean spin(Condition condition) {
        long start = System.nanoTime();
        do {
            for (int i = 0; i < SPINS_BETWEEN_CLOCK_READS; i++) {
                if (condition.holds()) {
                    return true;
                }
                Thread.onSpinWait();
            }
        } while (System.nanoTime() - start < spinNanos);
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
        private int seen;
        private volatile boolean parked;

        Worker(String name, int member) {
            super(name);
            this.member = member;
            setDaemon(true);
        }

        private int seen() {
            return seen;
        }

        /** By the owner alone: who was woken once and has not got a processor yet need not be woken for every further loop. */
        void wake() {
            if (parked) {
                parked = false;
                LockSupport.unpark(this);
            }
        }

        @Override
        public void run() {
            try {
                begin.accept(member);
            } catch (Throwable t) {
                failure.add(t);
            }
            while (true) {
                awaitNews();
                if (closed) {
                    return;
                }
                seen = loop;
                work(member);
            }
        }

        private void awaitNews() {
            while (!spin(hasNews)) {
                parked = true;
                if (!hasNews.holds()) {
                    LockSupport.park(ThreadTeam.this);
                    Thread.interrupted(); // an interrupted thread cannot park
                }
            }
        }
    }
}
