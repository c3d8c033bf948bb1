package io.jllm.engine.kv;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class BlockPoolTest {
    @Test
    void handsOutUsedBlocksBeforeNewOnes() {
        var pool = new BlockPool(4, 4);
        assertEquals(0, pool.take());
        assertEquals(1, pool.take());
        pool.release(0);
        assertEquals(0, pool.take());
        assertEquals(2, pool.take());
        assertEquals(1, pool.available());
    }

    /** Computes the block's content, and lets go of it: it rests in the prefix cache. */
    private static void rest(BlockPool pool, int block) {
        pool.cache().add(block, PrefixCache.ROOT, "", new int[] {block});
        pool.release(block);
    }

    private static boolean knows(BlockPool pool, int block) {
        return pool.cache().find(PrefixCache.ROOT, "", new int[] {block}) == block;
    }

    @Test
    void idleBlocksStayAsLongAsThereAreNewOnes() {
        var pool = new BlockPool(4, 4);
        for (int i = 0; i < 4; i++) {
            assertEquals(i, pool.take());
            rest(pool, i);
        }
        assertEquals(0, pool.take());
        assertFalse(knows(pool, 0));
        assertTrue(knows(pool, 1));
    }

    @Test
    void beyondALimitTheLongestIdleGoesBeforeANewOne() {
        var pool = new BlockPool(100, 2);
        for (int i = 0; i < 3; i++) {
            assertEquals(i, pool.take());
            rest(pool, i);
        }
        assertEquals(0, pool.take()); // three are idle
        assertEquals(3, pool.take()); // two
        rest(pool, 0);
        pool.release(3);
        assertEquals(3, pool.take()); // used before, and nothing in it
        assertEquals(1, pool.take());
        assertTrue(knows(pool, 0) && knows(pool, 2));
        assertFalse(knows(pool, 1));
    }

    @Test
    void asManyAsWereHeldAtOnceMayBeIdle() {
        var pool = new BlockPool(100, 0);
        int[] held = {pool.take(), pool.take()};
        rest(pool, held[0]);
        rest(pool, held[1]);
        assertEquals(2, pool.take()); // two are idle, and two were held at once
        rest(pool, 2);
        assertEquals(held[0], pool.take()); // three
        assertEquals(3, pool.take()); // two
        assertTrue(knows(pool, held[1]) && knows(pool, 2));
    }

    @Test
    void aFullPoolGivesIdleBlocksAway() {
        var pool = new BlockPool(2, 0);
        rest(pool, pool.take());
        assertEquals(1, pool.take());
        assertEquals(0, pool.take());
        rest(pool, 0);
        assertEquals(0, pool.take());
        assertEquals(0, pool.available());
    }

    @Test
    void aSharedBlockIsFreeWhenTheLastHolderLetsGo() {
        var pool = new BlockPool(2, 2);
        int block = pool.take();
        pool.share(block);
        pool.release(block);
        assertEquals(1, pool.available());
        pool.release(block);
        assertEquals(2, pool.available());
    }

    @Test
    void mistakesAreErrors() {
        var pool = new BlockPool(1, 1);
        assertThrows(IllegalStateException.class, () -> pool.release(0));
        assertThrows(IllegalStateException.class, () -> pool.share(0));
        pool.take();
        assertThrows(IllegalStateException.class, pool::take);
    }
}
