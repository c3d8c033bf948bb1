package io.jllm.spi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Messages of errors as this JVM words them are told apart. */
class OutOfMemoryTest {
    private static String describe(Runnable allocation) {
        return OutOfMemory.describe(assertThrows(OutOfMemoryError.class, allocation::run));
    }

    @Test
    void theHeap() {
        String heap = OutOfMemory.describe(new OutOfMemoryError("Java heap space"));
        assertTrue(heap.startsWith("the Java heap is full (Java heap space): raise it with -Xmx, now "), heap);
        assertTrue(OutOfMemory.describe(new OutOfMemoryError("GC overhead limit exceeded")).contains("raise it with -Xmx"));
    }

    @Test
    void arraysThatJavaDoesNotHave() {
        var held = new Object[1];
        String array = describe(() -> held[0] = new byte[Integer.MAX_VALUE]);
        assertTrue(array.startsWith("an array would be larger than Java allows"), array);
        assertFalse(array.contains("-Xmx"), array);
    }

    @Test
    void memoryOfTheSystem() {
        String system = describe(() -> {
            try (Arena arena = Arena.ofConfined()) {
                arena.allocate(1L << 56);
            }
        });
        assertTrue(system.startsWith("the system gives no more memory (Unable to allocate ") && system.contains("smaller heap"), system);
        assertFalse(system.contains("raise it with -Xmx"), system);
        assertTrue(OutOfMemory.describe(new OutOfMemoryError("Map failed")).startsWith("the system gives no more memory (Map failed)"));
        assertTrue(OutOfMemory.describe(new OutOfMemoryError()).startsWith("the system gives no more memory"));
    }

    @Test
    void directBuffersHaveALimitOfTheirOwn() {
        String direct = OutOfMemory.describe(new OutOfMemoryError(
                "Cannot reserve 33554432 bytes of direct buffer memory (allocated: 8192, limit: 6291456)"));
        assertTrue(direct.startsWith("there is no more room for direct buffers (") && direct.contains("-XX:MaxDirectMemorySize"), direct);
    }

    @Test
    void threadsAndClasses() {
        String threads = OutOfMemory.describe(new OutOfMemoryError(
                "unable to create native thread: possibly out of memory or process/resource limits reached"));
        assertTrue(threads.startsWith("the system gives no more threads") && threads.contains("ulimit -u") && threads.contains("lower -Xmx"),
                threads);
        for (String message : new String[] {"Metaspace", "Compressed class space"}) {
            assertTrue(OutOfMemory.describe(new OutOfMemoryError(message)).contains("-XX:MaxMetaspaceSize"));
        }
    }

    @Test
    void itIsFoundBehindOtherFailures() {
        var error = new OutOfMemoryError("Java heap space");
        assertEquals(Optional.of(error), OutOfMemory.in(error));
        assertEquals(Optional.of(error), OutOfMemory.in(new IllegalStateException("x", new IOException(new ExceptionInInitializerError(error)))));
        assertEquals(Optional.empty(), OutOfMemory.in(new IllegalStateException("Java heap space")));
    }

    /** The first use fails by the error, later ones by words that the JVM kept of it. */
    @Test
    void itIsFoundInUsesOfAClassThatCouldNotBeInitialized() {
        Runnable use = () -> Greedy.HELD[0]++;
        assertEquals("words", OutOfMemory.in(assertThrows(OutOfMemoryError.class, use::run)).orElseThrow().getMessage());
        String later = OutOfMemory.in(assertThrows(NoClassDefFoundError.class, use::run)).orElseThrow().getMessage();
        assertTrue(later.startsWith("words"), later);
    }

    private static final class Greedy {
        private static final int[] HELD = fail();

        private static int[] fail() {
            throw new OutOfMemoryError("words");
        }
    }
}
