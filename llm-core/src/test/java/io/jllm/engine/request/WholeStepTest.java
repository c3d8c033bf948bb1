package io.jllm.engine.request;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.EngineListener;
import io.jllm.LLM;
import io.jllm.Prompt;
import io.jllm.Request;
import io.jllm.SamplingParams;
import io.jllm.engine.LetterTokenizer;
import io.jllm.engine.TinyLlm;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** An idle engine that is given a list begins with a whole step of it, not with the first request alone. */
class WholeStepTest {
    private static final int SEQUENCES = 16;
    private static final int STEP_TOKENS = 64;
    private static final SamplingParams TWO = SamplingParams.builder().temperature(0).ignoreEos(true).maxTokens(2).build();
    private static final String EIGHT = "hijklmno";

    /** In which steps requests began. */
    private static final class Starts implements EngineListener {
        private final List<Long> steps = new CopyOnWriteArrayList<>();
        private final CountDownLatch first = new CountDownLatch(1);
        private volatile long now;

        @Override
        public void stepStarted(long number) {
            now = number;
        }

        @Override
        public void started(long requestId, int cachedTokens) {
            steps.add(now);
            first.countDown();
        }
    }

    private static LLM open(LetterTokenizer tokenizer, Starts starts) {
        return TinyLlm.open(TinyLlm.options(SEQUENCES, STEP_TOKENS, 16, SEQUENCES * TinyLlm.CONTEXT), tokenizer, r -> r, starts);
    }

    private static void slowly() {
        try {
            Thread.sleep(3);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static List<Prompt> prompts(int count) {
        return Collections.nCopies(count, Prompt.of(EIGHT));
    }

    @Test
    void aListThatFitsIntoAStepBeginsTogether() {
        var starts = new Starts();
        try (LLM llm = open(new LetterTokenizer(WholeStepTest::slowly), starts)) {
            for (int round = 1; round <= 3; round++) {
                starts.steps.clear();
                List<Prompt> prompts = prompts(STEP_TOKENS / EIGHT.length() - 1);
                llm.generate(prompts, TWO);
                together(prompts.size(), starts);
            }
        }
    }

    @Test
    void theSameWithoutWaiting() {
        var starts = new Starts();
        try (LLM llm = open(new LetterTokenizer(WholeStepTest::slowly), starts)) {
            llm.generateAsync(prompts(5).stream().map(p -> new Request(p, TWO)).toList()).join();
            together(5, starts);
        }
    }

    private static void together(int count, Starts starts) {
        assertEquals(Collections.nCopies(count, starts.steps.getFirst()), starts.steps);
    }

    @Test
    void aLongListBeginsBeforeItsEndIsThere() {
        var starts = new Starts();
        var encoded = new AtomicInteger();
        int full = STEP_TOKENS / EIGHT.length();
        var began = new CopyOnWriteArrayList<Boolean>();
        try (LLM llm = open(new LetterTokenizer(() -> {
            if (encoded.incrementAndGet() == full + 1) {
                began.add(soon(starts.first));
            }
        }), starts)) {
            encoded.set(0); // loading may encode
            llm.generate(prompts(full + 1), TWO);
        }
        assertEquals(List.of(true), began);
    }

    private static boolean soon(CountDownLatch latch) {
        try {
            return latch.await(1, TimeUnit.MINUTES);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    @Test
    void aRequestAloneBeginsAtOnce() {
        try (LLM llm = open(new LetterTokenizer(), new Starts())) {
            assertTrue(llm.generate(EIGHT, TWO).error().isEmpty());
        }
    }
}
