package io.jllm.engine;

/**
 * Which KV blocks are free, and how many sequences hold each. Bookkeeping only: it knows no device. A free block has no
 * content worth keeping, or an idle one of the prefix cache. Blocks without content are handed out first, those used before
 * first of all and new ones in order, so that a backend can allocate memory as it is needed.
 */
final class BlockPool {
    private final int[] empty;
    private final int[] references;
    private final PrefixCache cache;
    private int emptyCount;

    BlockPool(int blocks) {
        empty = new int[blocks];
        references = new int[blocks];
        cache = new PrefixCache(blocks);
        for (int i = 0; i < blocks; i++) {
            empty[i] = blocks - 1 - i;
        }
        emptyCount = blocks;
    }

    int blocks() {
        return empty.length;
    }

    /** What the blocks hold. */
    PrefixCache cache() {
        return cache;
    }

    /** Blocks that nobody holds. */
    int available() {
        return emptyCount + cache.idle();
    }

    /** A block to write, held once. */
    int take() {
        if (available() == 0) {
            throw new IllegalStateException("no free KV block");
        }
        int block = emptyCount > 0 ? empty[--emptyCount] : cache.evict();
        references[block] = 1;
        return block;
    }

    /** Holds a block once more: one that is held, or an idle one of the prefix cache. */
    void share(int block) {
        if (references[block] == 0) {
            if (!cache.knows(block)) {
                throw new IllegalStateException("KV block " + block + " is free and cannot be shared");
            }
            cache.wake(block);
        }
        references[block]++;
    }

    /** Whether more than one sequence holds a block, so that none may write to it. */
    boolean shared(int block) {
        return references[block] > 1;
    }

    /** Lets go of a block; it is free when nobody holds it. */
    void release(int block) {
        if (references[block] == 0) {
            throw new IllegalStateException("KV block " + block + " is released twice");
        }
        if (--references[block] == 0) {
            if (cache.knows(block)) {
                cache.rest(block);
            } else {
                empty[emptyCount++] = block;
            }
        }
    }

    /** Forgets what all blocks hold. */
    void forgetAll() {
        for (int block = 0; block < references.length; block++) {
            if (cache.knows(block)) {
                cache.forget(block);
                if (references[block] == 0) {
                    empty[emptyCount++] = block;
                }
            }
        }
    }
}
