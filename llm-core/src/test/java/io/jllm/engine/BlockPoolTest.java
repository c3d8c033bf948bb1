package io.jllm.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

class BlockPoolTest {
    @Test
    void handsOutUsedBlocksBeforeNewOnes() {
        var pool = new BlockPool(4);
        assertEquals(0, pool.take());
        assertEquals(1, pool.take());
        pool.release(0);
        assertEquals(0, pool.take());
        assertEquals(2, pool.take());
        assertEquals(1, pool.available());
    }

    @Test
    void aSharedBlockIsFreeWhenTheLastHolderLetsGo() {
        var pool = new BlockPool(2);
        int block = pool.take();
        pool.share(block);
        pool.release(block);
        assertEquals(1, pool.available());
        pool.release(block);
        assertEquals(2, pool.available());
    }

    @Test
    void mistakesAreErrors() {
        var pool = new BlockPool(1);
        assertThrows(IllegalStateException.class, () -> pool.release(0));
        assertThrows(IllegalStateException.class, () -> pool.share(0));
        pool.take();
        assertThrows(IllegalStateException.class, pool::take);
    }
}
