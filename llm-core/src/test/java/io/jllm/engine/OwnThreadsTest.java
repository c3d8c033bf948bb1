package io.jllm.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.LLM;
import io.jllm.Prompt;
import io.jllm.Request;
import io.jllm.RequestOutput;
import io.jllm.SamplingParams;
import io.jllm.TokenStream;
import io.jllm.spi.Uncaught;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Flow;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;

/** What fails in a thread of the engine's own comes to whoever waits for it, or to the log, and is never left uncaught. */
@Isolated("reads the log, and what threads leave uncaught")
class OwnThreadsTest {
    private static final EngineOptions OPTIONS = TinyLlm.options(4, 64, 16, 512);
    private static final SamplingParams TEN = SamplingParams.builder().temperature(0).ignoreEos(true).maxTokens(10).build();
    private static final Logger LOGGER = Logger.getLogger("io.jllm");

    /** Keeps what is logged, and fails at it if told to: an application's handler may. */
    private static final class Log extends Handler {
        private final BlockingQueue<LogRecord> records = new LinkedBlockingQueue<>();
        private volatile boolean fails;

        @Override
        public void publish(LogRecord r) {
            records.add(r);
            if (fails) {
                throw new StackOverflowError("pretended in a log handler");
            }
        }

        @Override
        public void flush() {
            // nothing is buffered
        }

        @Override
        public void close() {
            // nothing is open
        }
    }

    private final Log log = new Log();

    @BeforeEach
    void listen() {
        LOGGER.addHandler(log);
        LOGGER.setUseParentHandlers(false);
    }

    @AfterEach
    void stopListening() {
        LOGGER.removeHandler(log);
        LOGGER.setUseParentHandlers(true);
    }

    @Test
    void anErrorInAStepIsItsRequestsAlone() {
        var error = new LinkageError("pretended");
        var failing = new boolean[] {true};
        try (var _ = new Uncaught(); LLM llm = TinyLlm.open(OPTIONS, r -> new RunnerDouble(r, _ -> {
            if (failing[0]) {
                throw error;
            }
        }))) {
            RequestOutput failed = llm.generate("hello", TEN);
            assertSame(error, failed.error().orElseThrow().getCause());
            var thrown = assertThrows(IllegalStateException.class, failed::text);
            assertTrue(thrown.getMessage().contains("pretended"), thrown.getMessage());
            TokenStream stream = llm.stream(Prompt.of("hello"), TEN);
            assertSame(error, assertThrows(IllegalStateException.class, () -> stream.forEach(_ -> { })).getCause());
            failing[0] = false;
            assertEquals(10, llm.generate("hello", TEN).tokenIds().length);
        }
    }

    /** Errors that end the engine, and those on its way out, with a log handler that fails too. */
    @Test
    void anErrorThatEndsTheEngineIsToldToAllWhoAsk() {
        for (FaultyRunner.Call call : new FaultyRunner.Call[] {FaultyRunner.Call.RELEASE_SLOT, FaultyRunner.Call.CLOSE}) {
            for (boolean logFails : new boolean[] {false, true}) {
                for (int seed = 0; seed < 10; seed++) { // kinds of errors
                    log.fails = logFails;
                    endEngine(call, seed);
                }
            }
        }
        assertTrue(log.records.stream().anyMatch(r -> r.getThrown() != null && r.getThrown().getMessage().contains("RELEASE_SLOT")));
        assertTrue(log.records.stream().anyMatch(r -> r.getThrown() != null && r.getThrown().getMessage().contains("CLOSE")));
    }

    private static void endEngine(FaultyRunner.Call call, int seed) {
        var faulty = new FaultyRunner[1];
        try (var _ = new Uncaught()) {
            LLM llm = TinyLlm.open(TinyLlm.options(1, 64, 16, 512), r -> faulty[0] = new FaultyRunner(r, seed));
            faulty[0].fail(Map.of(call, 1));
            assertEquals(10, llm.generate("hello", TEN).tokenIds().length);
            if (call == FaultyRunner.Call.RELEASE_SLOT) {
                var told = assertThrows(RuntimeException.class, () -> {
                    while (true) {
                        llm.generate("hello", TEN).text();
                    }
                });
                assertTrue(told.getMessage().contains("RELEASE_SLOT"), told.getMessage());
                String closed = "";
                while (!closed.contains("its engine failed")) { // soon: the request is told before the engine is closed
                    closed = assertThrows(RuntimeException.class, () -> llm.submit(Request.of("hello", TEN)).result().join().text()).getMessage();
                }
                assertTrue(closed.contains("RELEASE_SLOT"), closed);
            }
            llm.close();
        }
    }

    /** The subscriber is an application's, the thread is ours. */
    @Test
    void aSubscriberThatComesTooLateMayFail() throws InterruptedException {
        try (var _ = new Uncaught(); LLM llm = TinyLlm.open(OPTIONS)) {
            TokenStream stream = llm.stream(Prompt.of("hello"), TEN);
            stream.iterator();
            var error = new AssertionError("a bad subscriber");
            stream.subscribe(new Flow.Subscriber<>() {
                @Override
                public void onSubscribe(Flow.Subscription s) {
                    s.request(1);
                }

                @Override
                public void onNext(TokenStream.Piece piece) {
                    throw new IllegalStateException("another reads");
                }

                @Override
                public void onError(Throwable t) {
                    throw error;
                }

                @Override
                public void onComplete() {
                    throw new IllegalStateException("another reads");
                }
            });
            assertSame(error, log.records.take().getThrown());
        }
    }
}
