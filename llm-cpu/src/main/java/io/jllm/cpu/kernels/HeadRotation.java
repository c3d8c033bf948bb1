package io.jllm.cpu.kernels;

import java.lang.foreign.MemorySegment;

/** Rotates heads of a step's tokens, and stores nothing in the cache. Offsets are in bytes. */
public interface HeadRotation {
    /** Rotates heads of a token that lie one after the other, at least one; not in place. */
    void apply(MemorySegment in, long inAt, MemorySegment out, long outAt, int heads, int token, Workspace ws);
}
