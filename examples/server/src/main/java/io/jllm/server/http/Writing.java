package io.jllm.server.http;

/** Who writes to a client, so that it can be freed where it is stuck; no interruption meets a thread that writes no more. Safe for all threads. */
final class Writing {
    private Thread thread; // null while nobody writes
    private long since;

    /** This thread begins to write. */
    synchronized void begin() {
        thread = Thread.currentThread();
        since = System.nanoTime();
    }

    /** It has written. */
    synchronized void end() {
        thread = null;
    }

    synchronized boolean isOn() {
        return thread != null;
    }

    /** Interrupts a thread that has been writing for longer than that; whether there was one. */
    synchronized boolean free(long now, long nanos) {
        boolean stuck = thread != null && now - since > nanos;
        if (stuck) {
            thread.interrupt();
        }
        return stuck;
    }
}
