package io.jllm.engine.request;

import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Runs what applications hang on results and streams, which the engine's thread must never do. One thread is there from the start, and
 * whoever takes a task sees to it first that another thread is left to take the next one: so a callback that blocks holds up nobody
 * else's. Where the system gives no further thread, callbacks wait for each other, and all are made. Thread-safe.
 *
 * <p>These are no virtual threads: in a JVM that could not start their carrier threads once, for a limit of threads, virtual threads that
 * are started later never run, and nothing says so (JDK 25).
 */
public final class CallbackExecutor implements Executor, AutoCloseable {
    private static final System.Logger LOG = System.getLogger("io.jllm");
    /** How long a thread waits that is not the only one to wait. */
    private static final long IDLE_NANOS = TimeUnit.SECONDS.toNanos(10);
    /** How long closing waits for threads that are about to end; those in a callback that takes longer end after it. */
    private static final long END_MILLIS = 100;

    private final ThreadFactory factory;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition news = lock.newCondition();
    private final Queue<Runnable> tasks = new ArrayDeque<>();
    private final Set<Thread> threads = new HashSet<>();
    private int idle;
    private int waiting;
    private boolean coming; // a thread that waited was woken, and has not got the lock yet
    private boolean lacking;
    private boolean closed;

    /** @throws OutOfMemoryError if the system gives not even one thread */
    public CallbackExecutor() {
        this(Thread.ofPlatform().name("jllm-callbacks").daemon().factory());
    }

    CallbackExecutor(ThreadFactory factory) {
        this.factory = factory;
        begin();
    }

    /** Has a task run soon, and returns at once. After closing, too, if there are threads to be had, and else runs it itself. */
    @Override
    public void execute(Runnable task) {
        boolean needed;
        lock.lock();
        try {
            tasks.add(task);
            call();
            needed = threads.isEmpty() || idle == 0 && lacking;
        } finally {
            lock.unlock();
        }
        if (needed && !tryBegin()) {
            runHereIfNobodyElseCan();
        }
    }

    /** Wakes a thread, with the lock held, unless one is on its way: when that one takes a task it wakes the next. A burst takes few wake-ups so. */
    private void call() {
        if (waiting > 0 && !coming) {
            coming = true;
            news.signal();
        }
    }

    private void runHereIfNobodyElseCan() {
        while (true) {
            Runnable task;
            lock.lock();
            try {
                task = threads.isEmpty() ? tasks.poll() : null;
            } finally {
                lock.unlock();
            }
            if (task == null) {
                return;
            }
            run(task);
        }
    }

    private void begin() {
        Thread thread = factory.newThread(this::work);
        lock.lock();
        try {
            threads.add(thread);
            idle++; // it will be, and until then is as good as that: else a burst would begin a thread for each task
        } finally {
            lock.unlock();
        }
        try {
            thread.start();
        } catch (Throwable t) {
            lock.lock();
            try {
                threads.remove(thread);
                idle--;
            } finally {
                lock.unlock();
            }
            throw t;
        }
    }

    private boolean tryBegin() {
        boolean begun;
        try {
            begin();
            begun = true;
        } catch (OutOfMemoryError _) {
            begun = false; // the threads that there are have to do
        }
        lock.lock();
        try {
            lacking = !begun;
        } finally {
            lock.unlock();
        }
        return begun;
    }

    private void work() {
        boolean more = true;
        boolean counted = true; // by whoever began this
        while (more) {
            Runnable task = null;
            boolean last = false;
            lock.lock();
            try {
                idle += counted ? 0 : 1;
                counted = false;
                if (await()) {
                    task = tasks.remove();
                    if (!tasks.isEmpty()) {
                        call();
                    }
                    last = idle == 1 && !(closed && tasks.isEmpty());
                } else {
                    more = false;
                    threads.remove(Thread.currentThread());
                }
                idle--;
            } finally {
                lock.unlock();
            }
            if (last) {
                tryBegin();
            }
            if (task != null) {
                run(task);
                Thread.interrupted(); // a callback may have interrupted its thread, which is ours: the next one shall not meet that
            }
        }
    }

    /** Waits for a task, with the lock held; false if there is none and this thread is not needed any more. */
    private boolean await() {
        long left = IDLE_NANOS;
        while (tasks.isEmpty()) {
            if (closed || left <= 0 && idle > 1) {
                return false;
            }
            waiting++;
            try {
                left = news.awaitNanos(Math.max(left, 1));
            } catch (InterruptedException _) {
                // as the interruption of a callback that had just ended
            }
            waiting--;
            coming = false;
            left = left <= 0 && idle == 1 ? IDLE_NANOS : left;
        }
        return true;
    }

    private static void run(Runnable task) {
        try {
            task.run();
        } catch (Throwable t) {
            LOG.log(System.Logger.Level.WARNING, "a callback failed", t);
        }
    }

    /** Lets threads end that have nothing to do. Tasks that were left before are run. */
    @Override
    public void close() {
        List<Thread> ending;
        lock.lock();
        try {
            closed = true;
            news.signalAll();
            ending = threads.stream().filter(t -> t != Thread.currentThread()).toList();
        } finally {
            lock.unlock();
        }
        long until = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(END_MILLIS);
        try {
            for (Thread t : ending) {
                t.join(Math.max(1, TimeUnit.NANOSECONDS.toMillis(until - System.nanoTime())));
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }
}
