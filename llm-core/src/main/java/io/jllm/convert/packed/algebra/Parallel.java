package io.jllm.convert.packed.algebra;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.Collections;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;

/** Loops whose turns may run at once, on threads of its own. For one caller at a time. */
public final class Parallel implements AutoCloseable {
    private final int threads;
    private final ExecutorService pool;

    /** On so many threads, at least 1. */
    public Parallel(int threads) {
        this.threads = threads;
        pool = Executors.newFixedThreadPool(threads, Thread.ofPlatform().name("jllm-quantize-", 0).daemon().factory());
    }

    /** How many threads it has. */
    public int threads() {
        return threads;
    }

    /**
     * Runs a task for each number from 0 to {@code count}, in any order, and returns when all are done.
     *
     * @throws InterruptedIOException if the calling thread is interrupted; tasks that have begun may still run then
     */
    public void each(int count, IntConsumer task) throws IOException {
        var next = new AtomicInteger();
        Callable<Void> worker = () -> {
            for (int i = next.getAndIncrement(); i < count; i = next.getAndIncrement()) {
                task.accept(i);
            }
            return null;
        };
        try {
            for (var done : pool.invokeAll(Collections.nCopies(Math.clamp(count, 1, threads), worker))) {
                done.get();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while quantising");
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case RuntimeException cause -> throw cause;
                case Error cause -> throw cause;
                default -> throw new IllegalStateException(e.getCause());
            }
        }
    }

    /** Ends its threads. */
    @Override
    public void close() {
        pool.shutdownNow();
    }
}
