package io.jllm.engine.kv;

import java.util.Arrays;
import java.util.Optional;

/** The KV blocks of one sequence in order of position, and how far their content is known to the prefix cache. */
public final class BlockTable {
    private final BlockPool pool;
    private final int blockSize;
    private final String salt;
    private int[] blocks = new int[4];
    private int count;
    private int known;
    private long root = PrefixCache.ROOT;
    private long parent = PrefixCache.ROOT;

    /**
     * @param salt sequences share blocks only with those of the same salt
     */
    public BlockTable(BlockPool pool, int blockSize, String salt) {
        this.pool = pool;
        this.blockSize = blockSize;
        this.salt = salt;
    }

    /**
     * Sequences share blocks only with those of the same kind. For a table without blocks.
     *
     * @param kind 0, the kind of all if nothing is said, or more
     */
    public void kind(int kind) {
        if (count > 0) {
            throw new IllegalStateException(count + " blocks are of another kind");
        }
        root = PrefixCache.ROOT - kind; // ids of blocks are above it
        parent = root;
    }

    int count() {
        return count;
    }

    /** How many positions of the blocks are empty, if so many are written. */
    public int unfilled(int written) {
        return count * blockSize - written;
    }

    /** Where the keys and values of a position go. */
    public int slot(int position) {
        return blocks[position / blockSize] * blockSize + position % blockSize;
    }

    public void copyTo(int[] table, int at) {
        System.arraycopy(blocks, 0, table, at, count);
    }

    /** A table of the same blocks, held once more, for a sequence that branches off. */
    public BlockTable fork() {
        var fork = new BlockTable(pool, blockSize, salt);
        for (int i = 0; i < count; i++) {
            pool.share(blocks[i]);
            fork.add(blocks[i]);
        }
        fork.known = known;
        fork.root = root;
        fork.parent = parent;
        return fork;
    }

    /**
     * Makes room to write positions {@code from} to {@code to}, the latter exclusive: takes blocks for what is past the end, and
     * a copy of the block that is written first if others hold it too. The last to hold it writes in place. False, and nothing
     * taken, if there are too few blocks.
     *
     * @param from how many positions are written already: at most one block is both written in part and shared
     */
    public boolean reserve(int from, int to, BlockCopies copies) {
        int first = from / blockSize;
        boolean copy = first < count && pool.shared(blocks[first]);
        int need = Math.ceilDiv(to, blockSize) - count;
        if (Math.max(need, 0) + (copy ? 1 : 0) > pool.available()) {
            return false;
        }
        if (copy) {
            int own = pool.take();
            copies.add(blocks[first], own);
            pool.release(blocks[first]);
            blocks[first] = own;
        }
        int end = count;
        for (int i = 0; i < need; i++) {
            add(pool.take());
        }
        // Memory that is read from front to back is read faster, twice as fast on some machines.
        Arrays.sort(blocks, end, count);
        return true;
    }

    /**
     * Takes known blocks for the tokens that come next, in place of own ones that are not written yet.
     *
     * @param computed how many positions are written
     * @param limit most positions to take
     * @return how many positions are written now
     */
    public int match(int[] tokens, int computed, int limit) {
        int written = computed;
        while (written == known * blockSize && written + blockSize <= limit) {
            int block = pool.cache().find(parent, salt, content(tokens, known));
            if (block < 0) {
                break;
            }
            pool.share(block);
            if (known < count) {
                pool.release(blocks[known]);
                blocks[known] = block;
            } else {
                add(block);
            }
            known++;
            parent = pool.cache().idOf(block);
            written += blockSize;
        }
        return written;
    }

    /** What the first block that is not known will be known by, if so many tokens fill it. */
    public Optional<PrefixCache.Key> next(int[] tokens, int limit) {
        return (known + 1) * blockSize > limit ? Optional.empty() : Optional.of(new PrefixCache.Key(parent, salt, content(tokens, known)));
    }

    /** Makes the content of full blocks known, now that so many positions are computed. */
    public void remember(int[] tokens, int computed) {
        while ((known + 1) * blockSize <= computed) {
            int[] content = content(tokens, known);
            int twin = pool.cache().find(parent, salt, content);
            if (twin < 0) {
                pool.cache().add(blocks[known], parent, salt, content);
            } else {
                // Somebody else computed the same: hold theirs, and give ours back.
                pool.share(twin);
                pool.release(blocks[known]);
                blocks[known] = twin;
            }
            parent = pool.cache().idOf(blocks[known++]);
        }
    }

    /** Gives all blocks back, the last first, so that the beginnings of texts stay known longest. */
    public void release() {
        while (count > 0) {
            pool.release(blocks[--count]);
        }
        known = 0;
        parent = root;
    }

    private int[] content(int[] tokens, int index) {
        return Arrays.copyOfRange(tokens, index * blockSize, (index + 1) * blockSize);
    }

    private void add(int block) {
        if (count == blocks.length) {
            blocks = Arrays.copyOf(blocks, 2 * count);
        }
        blocks[count++] = block;
    }
}
