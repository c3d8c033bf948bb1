package io.jllm.cuda.kernels.attention;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** Where tasks of a chain write and read. */
class ChainRoomTest {
    private static final long AT = 1 << 20;
    private final ChainRoom room = new ChainRoom();

    @Test
    void whatNoTaskMakesIsReadAmongTheActivations() {
        ChainRoom.Input x = room.input(4096, 3);
        assertFalse(x.fresh());
        assertEquals(4096 + 12, x.in(AT));
        assertEquals(0, room.floats());
    }

    @Test
    void theLastOfTwoTasksWritesAmongTheActivations() {
        ChainRoom.Output first = room.output(4096, 100, 0, 100);
        ChainRoom.Input between = room.input(4096, 0);
        ChainRoom.Output second = room.output(4096, 100, 0, 100);
        assertTrue(between.fresh());
        assertEquals(AT, between.in(AT));
        assertEquals(0, first.among());
        assertEquals(AT, first.in(AT));
        assertEquals(4096, second.among());
        assertEquals(0, second.in(AT), "nobody reads it in the room");
        assertEquals(AT + 112 * Float.BYTES, room.input(4096, 0).in(AT));
        assertEquals(AT + 112 * Float.BYTES, second.in(AT));
    }

    @Test
    void columnsOfSeveralTasksAreOneRow() {
        ChainRoom.Output q = room.output(4096, 96, 0, 64);
        assertTrue(room.isPart(4096));
        assertThrows(IllegalStateException.class, () -> room.input(4096, 0));
        ChainRoom.Output k = room.output(4096, 96, 64, 32);
        assertFalse(room.isPart(4096));
        assertEquals(AT + 64 * Float.BYTES, room.input(4096, 64).in(AT));
        assertEquals(AT, q.in(AT));
        assertEquals(AT + 64 * Float.BYTES, k.in(AT));
        assertEquals(4096 + 64 * Float.BYTES, k.among());
    }

    @Test
    void aRowThatBeginsElsewhereIsNeverWhole() {
        ChainRoom.Output end = room.output(4096, 96, 64, 32);
        assertTrue(room.isPart(4096));
        assertEquals(4096 + 64 * Float.BYTES, end.among());
    }

    @Test
    void recordsTakeTwelveFloatsForEachBlock() {
        assertEquals(0, room.records(4096));
        assertEquals(128 * 12, room.floats());
        assertEquals(128 * 12 + 112, ChainRoom.most(100, 4096));
    }
}
