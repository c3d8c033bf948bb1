package io.jllm.cpu.kernels;

/** Norms, if there are any, and rotates the heads of q and k of a layer's tokens, and stores k and v. */
public interface Rotation {
    /**
     * Does it for one token of a step.
     *
     * @param slot where its keys and values go: a block of the cache times its positions, and a position
     */
    void run(int token, int slot, Workspace ws);
}
