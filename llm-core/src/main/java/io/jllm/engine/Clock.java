package io.jllm.engine;

/** Nanoseconds since this class was loaded: never negative, so that times compare and zero means never. */
final class Clock {
    private static final long START = System.nanoTime() - 1;

    private Clock() {
    }

    static long nanos() {
        return System.nanoTime() - START;
    }
}
