package io.jllm.load;

import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.function.Supplier;

/**
 * What a thread of its own makes. Whoever waits for it hears how that ended, also where the heap has no room left: a task takes none to say so,
 * where a {@link java.util.concurrent.CompletableFuture} does, and would leave them waiting. Thread-safe.
 *
 * @param <T> what is made
 */
public final class Background<T> {
    private final FutureTask<T> task;

    private Background(Supplier<T> maker) {
        task = new FutureTask<>(maker::get);
    }

    /**
     * Starts a daemon thread.
     *
     * @param thread its name
     * @param maker what it does
     */
    public static <T> Background<T> start(String thread, Supplier<T> maker) {
        var made = new Background<>(Objects.requireNonNull(maker, "maker"));
        Thread.ofPlatform().name(thread).daemon().start(made.task);
        return made;
    }

    /** What is there already. */
    public static <T> Background<T> done(T value) {
        var made = new Background<>(() -> value);
        made.task.run();
        return made;
    }

    /**
     * Waits for it, and throws what it threw. An interrupt of the waiting thread ends nothing, but is kept.
     *
     * @return what was made
     */
    public T join() {
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return task.get();
                } catch (InterruptedException e) {
                    interrupted = true;
                } catch (ExecutionException e) {
                    switch (e.getCause()) {
                        case RuntimeException cause -> throw cause;
                        case Error cause -> throw cause;
                        case null, default -> throw new IllegalStateException(e); // a supplier throws nothing else
                    }
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
