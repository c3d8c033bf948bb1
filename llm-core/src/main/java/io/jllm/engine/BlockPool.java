package io.jllm.engine;

/**
 * Which KV blocks are free, and how many sequences hold each. Bookkeeping only: it knows no device. Blocks that were used
 * before are handed out again first, and new ones in order, so that a backend can allocate memory as it is needed.
 */
final class BlockPool {
    private final int[] free;
    private final int[] references;
    private int available;

    BlockPool(int blocks) {
        free = new int[blocks];
        references = new int[blocks];
        for (int i = 0; i < blocks; i++) {
            free[i] = blocks - 1 - i;
        }
        available = blocks;
    }

    int blocks() {
        return free.length;
    }

    int available() {
        return available;
    }

    /** A free block, held once. */
    int take() {
        if (available == 0) {
            throw new IllegalStateException("no free KV block");
        }
        int block = free[--available];
        references[block] = 1;
        return block;
    }

    /** Holds a block once more. */
    void share(int block) {
        if (references[block] == 0) {
            throw new IllegalStateException("KV block " + block + " is free and cannot be shared");
        }
        references[block]++;
    }

    /** Lets go of a block; it is free when nobody holds it. */
    void release(int block) {
        if (references[block] == 0) {
            throw new IllegalStateException("KV block " + block + " is released twice");
        }
        if (--references[block] == 0) {
            free[available++] = block;
        }
    }
}
