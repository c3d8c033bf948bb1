package io.jllm.engine.kv;

/**
 * Which KV blocks are free, and how many sequences hold each. Bookkeeping only: it knows no device. A free block has no
 * content worth keeping, or an idle one of the prefix cache.
 *
 * <p>A backend can allocate memory as it is needed, so that it matters which block is handed out: first one that was used before and
 * has no content worth keeping. Then a new one, of which there are many as a rule: the longest idle one of the prefix cache would be a
 * hit that is lost. But texts that nobody continues shall not fill all memory that is to be had: where more blocks are idle than
 * {@code cached}, and than sequences ever held at once, the longest idle goes first.
 */
public final class BlockPool {
    private final int[] empty;
    private final int[] references;
    private final PrefixCache cache;
    private final int cached;
    /** Blocks without content: at the bottom those never handed out. */
    private int emptyCount;
    private int fresh;
    private int mostHeld;

    /**
     * All of them are free.
     *
     * @param cached so many idle blocks may make others take new memory
     */
    public BlockPool(int blocks, int cached) {
        this.cached = cached;
        empty = new int[blocks];
        references = new int[blocks];
        cache = new PrefixCache(blocks);
        for (int i = 0; i < blocks; i++) {
            empty[i] = blocks - 1 - i;
        }
        emptyCount = blocks;
        fresh = blocks;
    }

    public int blocks() {
        return empty.length;
    }

    /** What the blocks hold. */
    public PrefixCache cache() {
        return cache;
    }

    /** Blocks without a holder. */
    public int available() {
        return emptyCount + cache.idle();
    }

    /** A block to write, held once. */
    int take() {
        if (available() == 0) {
            throw new IllegalStateException("no free KV block");
        }
        boolean crowded = cache.idle() > Math.max(cached, mostHeld);
        int block = emptyCount > fresh || fresh > 0 && !crowded ? empty[--emptyCount] : cache.evict();
        fresh = Math.min(fresh, emptyCount);
        references[block] = 1;
        mostHeld = Math.max(mostHeld, blocks() - available());
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

    /** Lets go of a block; it is free once it has no holder. */
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
    public void forgetAll() {
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
