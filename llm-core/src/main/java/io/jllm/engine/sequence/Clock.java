package io.jllm.engine.sequence;

/** Nanoseconds since this class was loaded: never negative, so that times compare and zero means never. */
public final class Clock {
    private static final long START = System.nanoTime() - 1;

    private Clock() {
    }

    public static long nanos() {
        return System.nanoTime() - START;
    }
}
