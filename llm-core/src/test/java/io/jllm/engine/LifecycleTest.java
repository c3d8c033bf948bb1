package io.jllm.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.EngineListener;
import io.jllm.FinishReason;
import io.jllm.LLM;
import io.jllm.Prompt;
import io.jllm.Request;
import io.jllm.RequestHandle;
import io.jllm.RequestOutput;
import io.jllm.SamplingParams;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;

/** Threads of all kinds, closing at any moment from anywhere, and applications that misbehave on the engine's thread. */
@Isolated("looks for the engine's thread, and silences the log")
class LifecycleTest {
    private static final EngineOptions OPTIONS = TinyLlm.options(8, 64, 16, 4 * TinyLlm.CONTEXT);
    private static final SamplingParams TEN = SamplingParams.builder().temperature(0).ignoreEos(true).maxTokens(10).build();

    @Test
    void hundredsOfThreadsOfBothKinds() throws Exception {
        var answers = new ConcurrentLinkedQueue<String>();
        var threads = new ArrayList<Thread>();
        try (LLM llm = TinyLlm.open(OPTIONS)) {
            for (int i = 0; i < 320; i++) {
                var builder = i % 10 == 0 ? Thread.ofPlatform() : Thread.ofVirtual();
                threads.add(builder.start(() -> answers.add(llm.generate("hello", TEN).text())));
            }
            for (Thread t : threads) {
                t.join();
            }
            assertEquals(320, answers.size());
            assertEquals(1, answers.stream().distinct().count());
            assertEquals(320, llm.metrics().finishedBy().get(FinishReason.LENGTH));
        }
    }

    /** Several close while others still come: each caller gets a result or hears that it is closed, and all memory is given back. */
    @Test
    void closingWhileCallersCome() throws Exception {
        for (int round = 0; round < 20; round++) {
            LLM llm = TinyLlm.open(OPTIONS);
            var served = new AtomicInteger();
            var refused = new AtomicInteger();
            var threads = new ArrayList<Thread>();
            for (int i = 0; i < 40; i++) {
                threads.add(Thread.ofVirtual().start(() -> {
                    try {
                        while (true) {
                            RequestOutput out = llm.generate("hello", TEN);
                            assertTrue(out.error().isEmpty());
                            served.addAndGet(out.finishReason() == FinishReason.LENGTH ? 1 : 0);
                        }
                    } catch (IllegalStateException e) {
                        assertTrue(e.getMessage().contains("closed"), e.getMessage());
                        refused.incrementAndGet();
                    }
                }));
            }
            int enough = round;
            while (served.get() < enough) {
                Thread.onSpinWait();
            }
            var closers = List.of(Thread.ofPlatform().start(llm::close), Thread.ofVirtual().start(llm::close));
            for (Thread t : closers) {
                t.join();
            }
            assertEquals(0, llm.memory().weights());
            for (Thread t : threads) {
                t.join();
            }
            assertEquals(40, refused.get());
            assertEquals(llm.metrics().kvBlocks(), llm.metrics().freeKvBlocks());
        }
    }

    @Test
    void closingOnTheEnginesOwnThread() throws Exception {
        var llm = new AtomicReference<LLM>();
        var stepped = new CountDownLatch(1);
        llm.set(TinyLlm.open(OPTIONS, r -> r, new EngineListener() {
            @Override
            public void firstToken(long requestId) {
                llm.get().close();
                stepped.countDown();
            }
        }));
        assertEquals(FinishReason.CANCELLED, llm.get().generate("hello", TEN.toBuilder().maxTokens(200).build()).finishReason());
        stepped.await();
        llm.get().close();
        assertEquals(0, llm.get().memory().weights());
        String said = assertThrows(IllegalStateException.class, () -> llm.get().submit(Request.of("hello", TEN))).getMessage();
        assertEquals("this LLM is closed; open another", said);
    }

    @Test
    void aListenerMayStartRequests() throws Exception {
        var llm = new AtomicReference<LLM>();
        var second = new AtomicReference<RequestHandle>();
        llm.set(TinyLlm.open(OPTIONS, r -> r, new EngineListener() {
            @Override
            public void firstToken(long requestId) {
                if (second.get() == null) {
                    second.set(llm.get().submit(Request.of("other", TEN)));
                }
            }
        }));
        try (LLM open = llm.get()) {
            open.generate("hello", TEN);
            assertEquals(10, second.get().result().get().tokenIds().length);
        }
    }

    /** An engine's thread that is interrupted does its work, and sleeps when there is none. */
    @Test
    void aProcessorThatInterrupts() {
        try (LLM llm = TinyLlm.open(OPTIONS)) {
            SamplingParams interrupting = TEN.toBuilder().logitsProcessor(() -> (_, _, _, _) -> Thread.currentThread().interrupt()).build();
            String text = llm.generate("hello", TEN).text();
            assertEquals(text, llm.generate("hello", interrupting).text());
            Thread engine = Thread.getAllStackTraces().keySet().stream()
                    .filter(t -> t.getName().equals("jllm-engine") && t.getState() != Thread.State.TERMINATED).findFirst().orElseThrow();
            while (engine.isInterrupted()) {
                Thread.onSpinWait(); // it takes notice, and sleeps again
            }
            assertEquals(text, llm.generate("hello", TEN).text());
        }
    }

    /** A defect of the engine's surroundings that it cannot survive is told to all who ask. */
    @Test
    void whatEndsTheEngineIsTold() {
        var faulty = new FaultyRunner[1];
        Logger logger = Logger.getLogger("io.jllm");
        logger.setLevel(Level.OFF); // it is logged, too
        LLM llm = TinyLlm.open(TinyLlm.options(1, 64, 16, 512), r -> faulty[0] = new FaultyRunner(r, 1));
        faulty[0].fail(Map.of(FaultyRunner.Call.RELEASE_SLOT, 1));
        assertEquals(10, llm.generate("hello", TEN).tokenIds().length);
        RequestOutput failed = llm.submit(new Request(Prompt.of("hello"), TEN)).result().join();
        assertTrue(failed.error().orElseThrow().toString().contains("RELEASE_SLOT"), failed.error().toString());
        var told = assertThrows(IllegalStateException.class, () -> llm.generate("hello", TEN));
        assertTrue(told.getMessage().contains("its engine failed") && told.getCause().getMessage().contains("RELEASE_SLOT"), told.getMessage());
        llm.close();
        logger.setLevel(null);
        assertEquals(1, faulty[0].closed.get());
    }
}
