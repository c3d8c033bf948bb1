package io.jllm.server.http;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;

/** Looks at the calls in hand again and again, on a thread of its own, which sleeps while there are none. Safe for all threads. */
final class Watch implements AutoCloseable {
    private static final long LEAST_NANOS = Duration.ofMillis(10).toNanos();
    private static final long MOST_NANOS = Duration.ofMillis(250).toNanos();
    /** Looks in the shortest of the times that are watched. */
    private static final int LOOKS = 4;

    private final Set<JdkCall> calls = ConcurrentHashMap.newKeySet();
    private final long nanos;
    private final Thread thread;
    private volatile boolean closed;

    Watch(HttpLimits limits) {
        nanos = Math.clamp(limits.keepAlive().toNanos() / LOOKS, LEAST_NANOS, MOST_NANOS);
        thread = Thread.ofVirtual().name("jllm-server-watch").start(this::run);
    }

    private void run() {
        while (!closed) {
            if (calls.isEmpty()) {
                LockSupport.park();
            } else {
                LockSupport.parkNanos(nanos);
                long now = System.nanoTime();
                calls.forEach(c -> c.look(now));
            }
        }
    }

    void add(JdkCall call) {
        calls.add(call);
        if (calls.size() == 1) {
            LockSupport.unpark(thread);
        }
    }

    void remove(JdkCall call) {
        calls.remove(call);
    }

    /** Ends the answering of all calls in hand. */
    void interruptAll() {
        calls.forEach(JdkCall::interrupt);
    }

    @Override
    public void close() {
        closed = true;
        LockSupport.unpark(thread);
    }
}
