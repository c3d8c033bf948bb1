package io.jllm.examples.cli.output;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Ctrl-C and the like: the JVM waits a moment for the command to stop and tidy up (a request is cancelled, a half-written file
 * removed), and nobody hears of it as of a failure.
 */
public final class Interruption implements AutoCloseable {
    private static final long PATIENCE_SECONDS = 5;

    private final CountDownLatch tidied = new CountDownLatch(1);
    private final Thread hook;
    private volatile boolean came;

    /** Watches over the calling thread until it is closed. */
    public Interruption() {
        Thread worker = Thread.currentThread();
        hook = new Thread(() -> {
            came = true;
            worker.interrupt();
            try {
                tidied.await(PATIENCE_SECONDS, TimeUnit.SECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }, "llm-interruption");
        Runtime.getRuntime().addShutdownHook(hook);
    }

    /** Whether it came. */
    public boolean came() {
        return came;
    }

    @Override
    public void close() {
        tidied.countDown();
        if (!came) {
            try {
                Runtime.getRuntime().removeShutdownHook(hook);
            } catch (IllegalStateException e) {
                // it comes just now, and finds all done
            }
        }
    }
}
