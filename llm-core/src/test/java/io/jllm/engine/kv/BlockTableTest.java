package io.jllm.engine.kv;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Forked tables share blocks until one writes. */
class BlockTableTest {
    private final BlockCopies copies = new BlockCopies();

    @Test
    void onlyTheLastBlockIsCopiedAndTheLastHolderWritesInPlace() {
        var pool = new BlockPool(8, 8);
        var first = new BlockTable(pool, 4, "");
        assertTrue(first.reserve(0, 10, copies));
        BlockTable second = first.fork();
        BlockTable third = first.fork();
        assertEquals(5, pool.available());
        assertTrue(first.reserve(10, 11, copies));
        assertTrue(second.reserve(10, 11, copies));
        assertTrue(third.reserve(10, 11, copies));
        assertEquals(3, pool.available());
        assertEquals(1, copies.take().size());
        int[] a = blocks(first);
        int[] b = blocks(second);
        int[] c = blocks(third);
        assertArrayEquals(new int[] {a[0], a[1]}, new int[] {b[0], b[1]});
        assertArrayEquals(new int[] {a[0], a[1]}, new int[] {c[0], c[1]});
        assertEquals(3, List.of(a[2], b[2], c[2]).stream().distinct().count());
        assertEquals(2, c[2], "the block that all had");
        assertTrue(second.reserve(11, 12, copies));
        assertTrue(copies.take().isEmpty(), "its own by now");
        first.release();
        second.release();
        third.release();
        assertEquals(8, pool.available());
    }

    @Test
    void fullBlocksAreNeverCopied() {
        var pool = new BlockPool(4, 4);
        var first = new BlockTable(pool, 4, "");
        assertTrue(first.reserve(0, 8, copies));
        BlockTable second = first.fork();
        assertTrue(first.reserve(8, 9, copies));
        assertTrue(second.reserve(8, 9, copies));
        assertTrue(copies.take().isEmpty());
        assertEquals(0, pool.available());
    }

    @Test
    void blocksThatAreTakenTogetherLieInOrder() {
        var pool = new BlockPool(6, 6);
        var before = new BlockTable(pool, 4, "");
        assertTrue(before.reserve(0, 20, copies));
        before.remember(IntStream.range(0, 20).toArray(), 20);
        before.release(); // the last first, and so they are evicted
        assertEquals(5, pool.take());
        var table = new BlockTable(pool, 4, "");
        assertTrue(table.reserve(0, 12, copies));
        assertArrayEquals(new int[] {2, 3, 4}, blocks(table));
        assertTrue(table.reserve(12, 20, copies));
        assertArrayEquals(new int[] {2, 3, 4, 0, 1}, blocks(table), "those it had stay where they are");
    }

    @Test
    void aCopyNeedsABlockToo() {
        var pool = new BlockPool(2, 2);
        var first = new BlockTable(pool, 4, "");
        assertTrue(first.reserve(0, 3, copies));
        BlockTable second = first.fork();
        assertFalse(second.reserve(3, 5, copies));
        assertEquals(1, pool.available());
        assertTrue(copies.take().isEmpty());
        assertTrue(second.reserve(3, 4, copies));
        assertFalse(first.reserve(3, 5, copies));
        assertTrue(first.reserve(3, 4, copies));
        assertArrayEquals(new int[] {0, 1}, copies.take().getFirst());
    }

    @Test
    void copiesThatDependOnEachOtherComeOneAfterTheOther() {
        copies.add(1, 2);
        copies.add(1, 3);
        copies.add(4, 1);
        copies.add(5, 6);
        copies.add(6, 7);
        List<int[]> rounds = copies.take();
        assertEquals(3, rounds.size());
        assertArrayEquals(new int[] {1, 2, 1, 3}, rounds.get(0));
        assertArrayEquals(new int[] {4, 1, 5, 6}, rounds.get(1));
        assertArrayEquals(new int[] {6, 7}, rounds.get(2));
        assertTrue(copies.take().isEmpty());
    }

    private static int[] blocks(BlockTable table) {
        var out = new int[table.count()];
        table.copyTo(out, 0);
        return out;
    }
}
