package io.jllm.load;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

class BackgroundTest {
    @Test
    void whatIsMadeAndWhatIsThereAlready() {
        assertEquals("files", Background.start("files", () -> Thread.currentThread().getName()).join());
        assertEquals(7, Background.done(7).join());
    }

    @Test
    void whatIsThrownIsThrownAgain() {
        var error = new OutOfMemoryError("Java heap space");
        Background<Integer> failed = Background.start("files", () -> {
            throw error;
        });
        assertSame(error, assertThrows(OutOfMemoryError.class, failed::join));
        assertSame(error, assertThrows(OutOfMemoryError.class, failed::join));
        var exception = new IllegalArgumentException("x");
        assertSame(exception, assertThrows(IllegalArgumentException.class, Background.start("files", () -> {
            throw exception;
        })::join));
    }

    @Test
    void anInterruptIsKept() {
        var go = new CountDownLatch(1);
        Background<Integer> late = Background.start("files", () -> {
            try {
                go.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            return 1;
        });
        Thread waiting = Thread.currentThread();
        Thread.ofPlatform().start(() -> {
            waiting.interrupt();
            go.countDown();
        });
        assertEquals(1, late.join());
        // The interrupt comes before the end, but may be seen after it.
        assertTrue(Thread.interrupted());
    }
}
