package io.jllm.cpu.kernels;

import java.lang.foreign.MemorySegment;

/** Norms, if there are any, and rotates the heads of q and k of a layer's tokens, and stores k and v. */
public interface Rotation {
    /**
     * Does it for one token of a step.
     *
     * @param slot where its keys and values go: a block of the cache times its positions, and a position
     */
    void run(int token, int slot, Workspace ws);

    /** Rotates heads of a step's tokens, and stores nothing in the cache. Offsets are in bytes. */
    interface Heads {
        /** Rotates heads of a token that lie one after the other, at least one; not in place. */
        void apply(MemorySegment in, long inAt, MemorySegment out, long outAt, int heads, int token, Workspace ws);
    }
}
