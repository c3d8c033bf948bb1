package io.jllm.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.CompletionOutput;
import io.jllm.FinishReason;
import io.jllm.LLM;
import io.jllm.LogitsProcessor;
import io.jllm.Prompt;
import io.jllm.RequestOutput;
import io.jllm.SamplingParams;
import io.jllm.TokenStream;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Several outputs of one request: they share the prompt, and are separate in everything else. */
class SeveralOutputsTest {
    private static final SamplingParams TWENTY = SamplingParams.builder().seed(5).ignoreEos(true).maxTokens(20).build();
    private static final int[] PROMPT = new Random(4).ints(43, 0, LetterTokenizer.VOCAB).toArray();
    private static final EngineOptions OPTIONS = TinyLlm.options(8, 64, 16, 4 * TinyLlm.CONTEXT);

    private static RequestOutput say(LLM llm, SamplingParams params) {
        return llm.generate(List.of(Prompt.ofTokens(PROMPT)), params).getFirst();
    }

    private static void assertNothingHeld(LLM llm) {
        while (llm.metrics().running() + llm.metrics().waiting() > 0) {
            Thread.onSpinWait();
        }
        assertEquals(llm.metrics().kvBlocks(), llm.metrics().freeKvBlocks());
    }

    @Test
    void thePromptIsComputedOnceAndTheFirstOutputIsThatOfASingleOne() {
        try (LLM llm = TinyLlm.open(TinyLlm.options(8, 64, 16, 4 * TinyLlm.CONTEXT, false))) {
            RequestOutput single = say(llm, TWENTY);
            long before = llm.metrics().computedTokens();
            RequestOutput three = say(llm, TWENTY.toBuilder().n(3).build());
            assertEquals(43 + 3 * 19, llm.metrics().computedTokens() - before);
            assertEquals(3, three.outputs().size());
            assertArrayEquals(single.tokenIds(), three.tokenIds());
            assertEquals(3, three.outputs().stream().map(CompletionOutput::text).distinct().count(), "each has its own seed");
            assertEquals(60, three.metrics().generatedTokens());
            RequestOutput again = say(llm, TWENTY.toBuilder().n(3).build());
            for (int i = 0; i < 3; i++) {
                assertEquals(i, three.outputs().get(i).index());
                assertArrayEquals(three.outputs().get(i).tokenIds(), again.outputs().get(i).tokenIds());
            }
            RequestOutput greedy = say(llm, TWENTY.toBuilder().temperature(0).n(4).build());
            assertEquals(1, greedy.outputs().stream().map(CompletionOutput::text).distinct().count());
            assertNothingHeld(llm);
        }
    }

    @Test
    void theyEndOneByOne() {
        try (LLM llm = TinyLlm.open(OPTIONS)) {
            RequestOutput out = say(llm, TWENTY.toBuilder().ignoreEos(false).temperature(1.5).maxTokens(60).n(8).build());
            assertTrue(out.outputs().stream().mapToInt(o -> o.tokenIds().length).distinct().count() > 2);
            for (CompletionOutput o : out.outputs()) {
                boolean ended = o.tokenIds()[o.tokenIds().length - 1] == LetterTokenizer.EOS;
                assertEquals(ended ? FinishReason.STOP : FinishReason.LENGTH, o.finishReason());
                assertTrue(ended || o.tokenIds().length == 60);
            }
            assertNothingHeld(llm);
        }
    }

    @Test
    void promptLogprobsComeOnce() {
        try (LLM llm = TinyLlm.open(OPTIONS)) {
            RequestOutput out = say(llm, TWENTY.toBuilder().n(3).promptLogprobs(2).build());
            assertEquals(43, out.promptLogprobs().size());
            RequestOutput scored = say(llm, TWENTY.toBuilder().n(3).maxTokens(0).promptLogprobs(2).build());
            assertEquals(43, scored.promptLogprobs().size());
            assertEquals(3, scored.outputs().size());
            scored.outputs().forEach(o -> assertEquals(FinishReason.LENGTH, o.finishReason()));
            assertNothingHeld(llm);
        }
    }

    @Test
    void aStreamSaysWhichOutputAPieceBelongsTo() throws Exception {
        try (LLM llm = TinyLlm.open(OPTIONS)) {
            var texts = new StringBuilder[] {new StringBuilder(), new StringBuilder(), new StringBuilder()};
            try (TokenStream stream = llm.stream(Prompt.ofTokens(PROMPT), TWENTY.toBuilder().n(3).build())) {
                for (TokenStream.Piece piece : stream) {
                    texts[piece.index()].append(piece.text());
                }
                for (CompletionOutput o : stream.result().get().outputs()) {
                    assertEquals(o.text(), texts[o.index()].toString());
                }
            }
        }
    }

    /** Bans one letter more with each token: what it says depends on how often it was called. */
    private static final class Narrowing implements LogitsProcessor {
        private final AtomicInteger forks;
        private int calls;

        Narrowing(AtomicInteger forks, int calls) {
            this.forks = forks;
            this.calls = calls;
        }

        @Override
        public void process(int[] tokens, int promptLength, int length, float[] logits) {
            if (length - promptLength != calls++) {
                throw new IllegalStateException("called " + calls + " times for " + (length - promptLength) + " tokens");
            }
            Arrays.fill(logits, 0, calls, Float.NEGATIVE_INFINITY);
        }

        @Override
        public LogitsProcessor fork() {
            forks.incrementAndGet();
            return new Narrowing(forks, calls);
        }
    }

    @Test
    void eachHasItsOwnProcessor() {
        var forks = new AtomicInteger();
        try (LLM llm = TinyLlm.open(OPTIONS)) {
            RequestOutput out = say(llm, TWENTY.toBuilder().n(4).logitsProcessor(() -> new Narrowing(forks, 0)).build());
            assertTrue(out.error().isEmpty(), () -> out.error().toString());
            assertEquals(3, forks.get());
            for (CompletionOutput o : out.outputs()) {
                for (int i = 0; i < 20; i++) {
                    assertTrue(o.tokenIds()[i] > i);
                }
            }
            RequestOutput failed = say(llm, TWENTY.toBuilder().n(4).logitsProcessor(() -> {
                throw new IllegalArgumentException("not made");
            }).build());
            assertEquals("not made", failed.error().orElseThrow().getMessage());
            assertEquals(4, failed.outputs().size());
            failed.outputs().forEach(o -> assertEquals(FinishReason.ERROR, o.finishReason()));
            assertNothingHeld(llm);
        }
    }

    @Test
    void cancellingEndsAllOfThem() {
        try (LLM llm = TinyLlm.open(OPTIONS, r -> new RunnerDouble(r, _ -> pause()))) {
            RequestOutput out = say(llm, TWENTY.toBuilder().n(5).maxTokens(150).timeout(Duration.ofMillis(60)).build());
            assertEquals(5, out.outputs().size());
            out.outputs().forEach(o -> assertEquals(FinishReason.CANCELLED, o.finishReason()));
            assertNothingHeld(llm);
        }
    }

    private static void pause() {
        try {
            Thread.sleep(2);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void moreThanTheEngineHoldsAreRefused() {
        try (LLM llm = TinyLlm.open(OPTIONS)) {
            String message = say(llm, TWENTY.toBuilder().n(9).build()).error().orElseThrow().getMessage();
            assertTrue(message.contains("9 outputs") && message.contains("8 sequences"), message);
            assertFalse(say(llm, TWENTY.toBuilder().n(8).build()).error().isPresent());
        }
    }

    /** Eight outputs in a pool that holds one of them and little more: they give way to each other, and say the same. */
    @Test
    void aPoolForOneServesMany() {
        SamplingParams many = TWENTY.toBuilder().n(8).maxTokens(40).build();
        RequestOutput want;
        try (LLM llm = TinyLlm.open(OPTIONS)) {
            want = say(llm, many);
        }
        for (boolean prefixCache : new boolean[] {true, false}) {
            try (LLM llm = TinyLlm.open(TinyLlm.options(8, 64, 8, 88, prefixCache), r -> new RunnerDouble(r, new WriteGuard(8)))) {
                RequestOutput got = say(llm, many);
                for (int i = 0; i < 8; i++) {
                    assertArrayEquals(want.outputs().get(i).tokenIds(), got.outputs().get(i).tokenIds());
                }
                assertTrue(got.metrics().preemptions() > 0);
                assertNothingHeld(llm);
            }
        }
    }
}
