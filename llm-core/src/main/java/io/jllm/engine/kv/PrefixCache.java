package io.jllm.engine.kv;

import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Which full KV blocks hold which tokens, so that sequences that begin alike share them. A block is known by its tokens and by
 * the block before it, and so by everything from the start of the sequence; keys are compared whole, so two texts are never
 * taken for the same. Idle blocks stay until their room is needed, the longest unused first.
 */
public final class PrefixCache {
    /** Stands for the block before the first; numbers below it do so for texts of other kinds. */
    static final long ROOT = 0;

    private final Map<Key, Entry> entries = new HashMap<>();
    private final Entry[] byBlock;
    private final LinkedHashMap<Integer, Entry> idle = new LinkedHashMap<>();
    private long lastId = ROOT;

    /** A block of known content; the id is never used again. */
    private record Entry(Key key, int block, long id) {
    }

    /** What a block is known by: its tokens, after those of another block. */
    public record Key(long parent, String salt, int[] tokens) {
        @Override
        public boolean equals(Object o) {
            return o instanceof Key k && parent == k.parent && salt.equals(k.salt) && Arrays.equals(tokens, k.tokens);
        }

        @Override
        public int hashCode() {
            return 31 * (31 * Long.hashCode(parent) + salt.hashCode()) + Arrays.hashCode(tokens);
        }
    }

    PrefixCache(int blocks) {
        byBlock = new Entry[blocks];
    }

    /** The block that holds these tokens after the given one; -1 if there is none. */
    int find(long parent, String salt, int[] tokens) {
        Entry e = entries.get(new Key(parent, salt, tokens));
        return e == null ? -1 : e.block;
    }

    /** What the content of a known block is called as a parent. */
    long idOf(int block) {
        return byBlock[block].id;
    }

    boolean knows(int block) {
        return byBlock[block] != null;
    }

    /** Makes the content of a held block known; it must not be known yet, under any block. */
    void add(int block, long parent, String salt, int[] tokens) {
        var entry = new Entry(new Key(parent, salt, tokens), block, ++lastId);
        if (byBlock[block] != null || entries.putIfAbsent(entry.key, entry) != null) {
            throw new IllegalStateException("the content of KV block " + block + " is known already");
        }
        byBlock[block] = entry;
    }

    /** The last holder released this known block: it is idle. */
    void rest(int block) {
        idle.put(block, byBlock[block]);
    }

    /** This block is held again. */
    void wake(int block) {
        idle.remove(block);
    }

    public int idle() {
        return idle.size();
    }

    /** Forgets the content of the block that was idle longest, and gives it away. */
    int evict() {
        int block = idle.firstEntry().getKey();
        forget(block);
        return block;
    }

    /** Forgets a block's content. */
    void forget(int block) {
        idle.remove(block);
        entries.remove(byBlock[block].key);
        byBlock[block] = null;
    }
}
