package io.jllm.engine.request;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Callbacks are made, and hold up nobody, whatever they do and however few threads there are. */
class CallbackExecutorTest {
    private final List<Thread> threads = Collections.synchronizedList(new ArrayList<>());
    private final AtomicInteger most = new AtomicInteger(Integer.MAX_VALUE);
    /** As a system with a limit of threads. */
    private final ThreadFactory limited = work -> new Thread(work) {
        @Override
        public void start() {
            if (threads.size() >= most.get()) {
                throw new OutOfMemoryError("unable to create native thread");
            }
            threads.add(this);
            super.start();
        }
    };

    private static Thread run(CallbackExecutor executor) {
        var on = new CompletableFuture<Thread>();
        executor.execute(() -> on.complete(Thread.currentThread()));
        return on.join();
    }

    @Test
    void callbacksThatBlockHoldUpNobody() throws Exception {
        var release = new CountDownLatch(1);
        var released = new CountDownLatch(50);
        try (var executor = new CallbackExecutor(limited)) {
            for (int i = 0; i < 50; i++) {
                executor.execute(() -> {
                    try {
                        release.await();
                        released.countDown();
                    } catch (InterruptedException e) {
                        throw new IllegalStateException(e);
                    }
                });
            }
            assertNotSame(Thread.currentThread(), run(executor));
            release.countDown();
            released.await();
        }
        for (Thread t : threads) {
            t.join();
        }
    }

    @Test
    void withOneThreadAllAreMadeInOrder() {
        most.set(1);
        var order = Collections.synchronizedList(new ArrayList<Integer>());
        try (var executor = new CallbackExecutor(limited)) {
            for (int i = 0; i < 1000; i++) {
                int n = i;
                executor.execute(() -> order.add(n));
            }
            assertSame(threads.getFirst(), run(executor));
        }
        assertEquals(1000, order.size());
        assertEquals(order.stream().sorted().toList(), order);
        assertEquals(1, threads.size());
    }

    @Test
    void aBurstOfQuickOnesTakesFewThreads() throws Exception {
        int burst = 20_000;
        var done = new CountDownLatch(burst);
        try (var executor = new CallbackExecutor(limited)) {
            for (int i = 0; i < burst; i++) {
                executor.execute(done::countDown);
            }
            done.await();
        }
        assertTrue(threads.size() < 100, threads.size() + " threads");
    }

    @Test
    void threadsThatComeBackAreUsed() {
        most.set(1);
        var release = new CountDownLatch(1);
        var began = new CompletableFuture<Thread>();
        try (var executor = new CallbackExecutor(limited)) {
            executor.execute(() -> {
                began.complete(Thread.currentThread());
                try {
                    release.await();
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            });
            Thread blocked = began.join();
            most.set(Integer.MAX_VALUE);
            assertNotSame(blocked, run(executor));
            release.countDown();
        }
    }

    @Test
    void aCallbackThatFailsOrInterruptsItsThreadDoesNoHarm() {
        most.set(1);
        try (var executor = new CallbackExecutor(limited)) {
            executor.execute(() -> {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("made to fail");
            });
            var interrupted = new CompletableFuture<Boolean>();
            executor.execute(() -> interrupted.complete(Thread.currentThread().isInterrupted()));
            assertFalse(interrupted.join());
            assertSame(threads.getFirst(), run(executor));
        }
    }

    @Test
    void afterClosingCallbacksAreStillMade() throws Exception {
        var executor = new CallbackExecutor(limited);
        run(executor);
        executor.close();
        for (Thread t : threads) {
            t.join();
        }
        Thread later = run(executor);
        assertNotSame(Thread.currentThread(), later);
        later.join();
        most.set(0);
        assertSame(Thread.currentThread(), run(executor)); // better here than never
    }

    @Test
    void withoutAnyThreadThereIsNone() {
        most.set(0);
        assertThrows(OutOfMemoryError.class, () -> new CallbackExecutor(limited));
    }
}
