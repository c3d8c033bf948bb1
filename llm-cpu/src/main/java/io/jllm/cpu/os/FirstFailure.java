package io.jllm.cpu.os;

import java.util.concurrent.atomic.AtomicReference;

/** What the first of several threads failed with, for the one that waits for them. */
final class FirstFailure {
    private final AtomicReference<Throwable> first = new AtomicReference<>();

    /** Notes a failure; those after the first are suppressed in it. */
    void add(Throwable t) {
        if (first.compareAndSet(null, t)) {
            return;
        }
        Throwable before = first.get();
        try {
            if (before != null && before != t) {
                before.addSuppressed(t);
            }
        } catch (OutOfMemoryError _) {
            // the first says enough
        }
    }

    /** Throws what was noted and forgets it; does nothing if there is nothing. */
    void rethrow() {
        if (first.get() == null) {
            return;
        }
        switch (first.getAndSet(null)) {
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            case Throwable t -> throw new IllegalStateException(t); // no thread declares any other
        }
    }
}
