package io.jllm.engine.sequence;

import io.jllm.spi.OutOfMemory;

/** What ends requests before their time. */
public final class Failures {
    private Failures() {
    }

    /** An error as a request's result may hold it. */
    public static RuntimeException asRuntime(Throwable t) {
        return t instanceof RuntimeException r ? r
                : new IllegalStateException("computing failed: " + OutOfMemory.in(t).map(OutOfMemory::describe).orElse(t.toString()), t);
    }
}
