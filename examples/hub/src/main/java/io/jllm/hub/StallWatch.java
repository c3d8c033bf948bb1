package io.jllm.hub;

import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;

/** Closes a stream that nothing comes from for too long, so that who reads it goes on. */
final class StallWatch implements AutoCloseable {
    private final InputStream stream;
    private final long nanos;
    private final Thread thread;
    private volatile long last = System.nanoTime();

    StallWatch(InputStream stream, Duration timeout) {
        this.stream = stream;
        nanos = timeout.toNanos();
        thread = Thread.ofVirtual().name("jllm-hub-watch").start(this::watch);
    }

    /** Something came. */
    void heard() {
        last = System.nanoTime();
    }

    private void watch() {
        try {
            for (long left = nanos; left > 0; left = nanos - (System.nanoTime() - last)) {
                Thread.sleep(Duration.ofNanos(left));
            }
            stream.close();
        } catch (InterruptedException | IOException _) {
            // the stream has ended
        }
    }

    @Override
    public void close() {
        thread.interrupt();
    }
}
