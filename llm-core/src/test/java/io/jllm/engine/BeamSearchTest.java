package io.jllm.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.BeamSearchParams;
import io.jllm.BeamSearchParamsBuilder;
import io.jllm.CompletionOutput;
import io.jllm.FinishReason;
import io.jllm.LLM;
import io.jllm.LogitsProcessor;
import io.jllm.Prompt;
import io.jllm.Request;
import io.jllm.RequestOutput;
import io.jllm.SamplingParams;
import io.jllm.TokenLogprobs;
import io.jllm.sampling.EarlyStopping;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Beam searches beside other requests: the same result however the engine computes them, and nothing left behind. */
class BeamSearchTest {
    private static final EngineOptions OPTIONS = TinyLlm.options(16, 128, 16, 8 * TinyLlm.CONTEXT);
    private static final List<Search> SEARCHES = searches();
    private static List<RequestOutput> alone;

    private record Search(Prompt prompt, BeamSearchParams params) {
        RequestOutput run(LLM llm) {
            return llm.beamSearch(List.of(prompt), params).getFirst();
        }
    }

    /** Bans what was said two tokens ago, and counts its calls, so that a lost or shared state shows. */
    private static final class NoEcho implements LogitsProcessor {
        private int calls;

        NoEcho(int calls) {
            this.calls = calls;
        }

        @Override
        public void process(int[] tokens, int promptLength, int length, float[] logits) {
            if (length - promptLength != calls++) {
                throw new IllegalStateException("call " + calls + " comes after " + (length - promptLength) + " tokens");
            }
            if (length > 1) {
                logits[tokens[length - 2]] = Float.NEGATIVE_INFINITY;
            }
        }

        @Override
        public LogitsProcessor fork() {
            return new NoEcho(calls);
        }
    }

    private static List<Search> searches() {
        var random = new Random(21);
        var all = new ArrayList<Search>();
        for (int i = 0; i < 20; i++) {
            int[] ids = random.ints(1 + random.nextInt(50), 0, LetterTokenizer.VOCAB).toArray();
            int width = 1 + i % 8;
            BeamSearchParamsBuilder params = BeamSearchParams.builder(width).n(width).maxTokens(1 + random.nextInt(30))
                    .earlyStopping(EarlyStopping.values()[i % 3]).lengthPenalty(random.nextInt(4) - 1).ignoreEos(i % 5 == 0)
                    .logprobs(i % 2).priority(i % 3);
            switch (i % 4) {
                case 0 -> params.repetitionPenalty(1.3);
                case 1 -> params.logitsProcessor(() -> new NoEcho(0));
                default -> params.stopTokenIds(List.of(3, 7));
            }
            all.add(new Search(Prompt.ofTokens(ids), params.build()));
        }
        return all;
    }

    /** Not a static initialiser: the engine's thread would wait for this class to make a processor. */
    @BeforeAll
    static void alone() {
        try (LLM llm = TinyLlm.open(OPTIONS)) {
            alone = SEARCHES.stream().map(s -> s.run(llm)).toList();
        }
    }

    /** All searches at once, with sampled requests among them; returns how many searches were put back. */
    private static int check(int sequences, int tokens, int blockSize, int kvPositions, boolean prefixCache) {
        var random = new Random(5);
        var others = new ArrayList<Request>();
        for (int i = 0; i < 44; i++) {
            others.add(new Request(Prompt.ofTokens(random.ints(1 + random.nextInt(60), 0, LetterTokenizer.VOCAB).toArray()),
                    SamplingParams.builder().maxTokens(1 + random.nextInt(30)).seed(i).n(1 + i % 3).build()));
        }
        try (LLM llm = TinyLlm.open(TinyLlm.options(sequences, tokens, blockSize, kvPositions, prefixCache),
                r -> new RunnerDouble(r, new WriteGuard(blockSize)))) {
            var crowd = CompletableFuture.supplyAsync(() -> llm.generate(others), Thread::startVirtualThread);
            List<CompletableFuture<RequestOutput>> running = SEARCHES.stream()
                    .map(s -> CompletableFuture.supplyAsync(() -> s.run(llm), Thread::startVirtualThread)).toList();
            int preempted = 0;
            for (int i = 0; i < SEARCHES.size(); i++) {
                RequestOutput got = running.get(i).join();
                same("search " + i, alone.get(i), got);
                preempted += got.metrics().preemptions();
            }
            crowd.join().forEach(o -> assertTrue(o.error().isEmpty()));
            assertEquals(llm.metrics().kvBlocks(), llm.metrics().freeKvBlocks(), "leaked blocks");
            assertEquals(64, llm.metrics().finished());
            return preempted;
        }
    }

    private static void same(String which, RequestOutput want, RequestOutput got) {
        assertTrue(got.error().isEmpty(), () -> which + ": " + got.error());
        assertEquals(want.outputs().size(), got.outputs().size(), which);
        for (int i = 0; i < want.outputs().size(); i++) {
            CompletionOutput w = want.outputs().get(i);
            CompletionOutput g = got.outputs().get(i);
            assertArrayEquals(w.tokenIds(), g.tokenIds(), which);
            assertEquals(w.score(), g.score(), which);
            assertEquals(w.text(), g.text(), which);
            assertEquals(w.finishReason(), g.finishReason(), which);
            assertEquals(w.cumulativeLogprob(), g.cumulativeLogprob(), which);
            for (int t = 0; t < w.logprobs().size(); t++) {
                assertArrayEquals(w.logprobs().get(t).topIds(), g.logprobs().get(t).topIds(), which);
            }
        }
    }

    @Test
    void amongOthers() {
        check(64, 4096, 16, 64 * 96, true);
        check(8, 8, 16, 64 * 96, true);
    }

    @Test
    void smallPoolsPutSearchesBack() {
        check(32, 200, 8, 344, true);
        check(32, 40, 4, 308, false);
    }

    /** Each needs most of the pool in the end, and little at first: they join together and give way to each other. */
    @Test
    void searchesThatGrowIntoEachOtherArePutBack() {
        var random = new Random(4);
        var prompts = new ArrayList<Prompt>();
        for (int i = 0; i < 4; i++) {
            prompts.add(Prompt.ofTokens(random.ints(20, 0, LetterTokenizer.VOCAB).toArray()));
        }
        BeamSearchParams params = BeamSearchParams.builder(8).n(8).maxTokens(40).ignoreEos(true).repetitionPenalty(1.3).build();
        List<RequestOutput> want;
        try (LLM llm = TinyLlm.open(OPTIONS)) {
            want = prompts.stream().map(p -> llm.beamSearch(List.of(p), params).getFirst()).toList();
        }
        for (boolean prefixCache : new boolean[] {true, false}) {
            try (LLM llm = TinyLlm.open(TinyLlm.options(32, 40, 4, 380, prefixCache), r -> new RunnerDouble(r, new WriteGuard(4)))) {
                List<RequestOutput> got = llm.beamSearch(prompts, params);
                for (int i = 0; i < 4; i++) {
                    same("search " + i, want.get(i), got.get(i));
                }
                assertTrue(llm.metrics().preemptions() > 0);
                assertEquals(llm.metrics().kvBlocks(), llm.metrics().freeKvBlocks(), "leaked blocks");
            }
        }
    }

    @Test
    void anyBlockSize() {
        for (int blockSize : new int[] {1, 2, 3, 7, 16, 33, 64}) {
            check(24, 150, blockSize, 1100, blockSize % 2 == 0);
        }
    }

    /** The smallest pool that is not refused serves a search, and two of them in turn. */
    @Test
    void theSmallestPoolServes() {
        Prompt prompt = Prompt.ofTokens(new Random(1).ints(43, 0, LetterTokenizer.VOCAB).toArray());
        var search = new Search(prompt, BeamSearchParams.builder(4).n(4).maxTokens(20).ignoreEos(true).build());
        RequestOutput want;
        try (LLM llm = TinyLlm.open(OPTIONS)) {
            want = search.run(llm);
        }
        for (boolean prefixCache : new boolean[] {true, false}) {
            // 5 full blocks of the prompt, and for each beam 3 more up to position 62.
            try (LLM llm = TinyLlm.open(TinyLlm.options(8, 64, 8, 17 * 8, prefixCache), r -> new RunnerDouble(r, new WriteGuard(8)))) {
                List<RequestOutput> got = llm.beamSearch(List.of(prompt, prompt), search.params);
                same("first", want, got.get(0));
                same("second", want, got.get(1));
                assertEquals(llm.metrics().kvBlocks(), llm.metrics().freeKvBlocks());
            }
        }
        try (LLM llm = TinyLlm.open(TinyLlm.options(8, 64, 8, 16 * 8))) {
            String message = search.run(llm).error().orElseThrow().getMessage();
            assertTrue(message.contains("43 tokens and 20") && message.contains("4 beams") && message.contains("128 positions"), message);
            var unset = new Search(prompt, BeamSearchParams.builder(4).ignoreEos(true).build());
            assertEquals(14, unset.run(llm).tokenIds().length, "positions 43 to 55, and the last token");
            var wide = new Search(prompt, BeamSearchParams.builder(9).build());
            message = wide.run(llm).error().orElseThrow().getMessage();
            assertTrue(message.contains("width 9") && message.contains("8 sequences"), message);
        }
    }

    @Test
    void oneBeamIsGreedy() {
        try (LLM llm = TinyLlm.open(OPTIONS)) {
            for (Search s : SEARCHES) {
                SamplingParams greedy = SamplingParams.builder().temperature(0).maxTokens(25).build();
                CompletionOutput want = llm.generate(List.of(s.prompt), greedy).getFirst().outputs().getFirst();
                CompletionOutput got = llm.beamSearch(List.of(s.prompt), BeamSearchParams.builder(1).maxTokens(25).build())
                        .getFirst().outputs().getFirst();
                assertArrayEquals(want.tokenIds(), got.tokenIds());
                assertEquals(want.cumulativeLogprob(), got.cumulativeLogprob(), 1e-5);
                assertEquals(want.cumulativeLogprob() / want.tokenIds().length, got.score().orElseThrow(), 1e-5);
                assertTrue(want.score().isEmpty());
            }
        }
    }

    @Test
    void logprobsAreThoseOfTheModel() {
        try (LLM llm = TinyLlm.open(OPTIONS)) {
            for (Search s : SEARCHES) {
                CompletionOutput beam = llm.beamSearch(List.of(s.prompt), s.params.toBuilder().n(1).logprobs(2).build()).getFirst()
                        .outputs().getFirst();
                int[] prompt = ((Prompt.Tokens) s.prompt).ids();
                int[] whole = Arrays.copyOf(prompt, prompt.length + beam.tokenIds().length);
                System.arraycopy(beam.tokenIds(), 0, whole, prompt.length, beam.tokenIds().length);
                List<TokenLogprobs> scored = llm.generate(List.of(Prompt.ofTokens(whole)),
                        SamplingParams.builder().maxTokens(0).promptLogprobs(2).build()).getFirst().promptLogprobs();
                for (int t = 0; t < beam.tokenIds().length; t++) {
                    assertEquals(scored.get(prompt.length + t).logprob(), beam.logprobs().get(t).logprob());
                    assertArrayEquals(scored.get(prompt.length + t).topIds(), beam.logprobs().get(t).topIds());
                }
            }
        }
    }

    @Test
    void failingProcessorsAndTimeoutsEndTheirSearchAlone() {
        LogitsProcessor failing = (tokens, prompt, length, logits) -> {
            if (length - prompt == 3) {
                throw new IllegalArgumentException("no more");
            }
        };
        LogitsProcessor nothing = (tokens, prompt, length, logits) -> Arrays.fill(logits, Float.NEGATIVE_INFINITY);
        BeamSearchParams ten = BeamSearchParams.builder(4).n(3).maxTokens(200).ignoreEos(true).build();
        try (LLM llm = TinyLlm.open(OPTIONS)) {
            RequestOutput failed = llm.beamSearch("hello", ten.toBuilder().logitsProcessor(() -> failing).build());
            assertEquals("no more", failed.error().orElseThrow().getMessage());
            assertEquals(3, failed.outputs().size());
            for (CompletionOutput o : failed.outputs()) {
                assertEquals(FinishReason.ERROR, o.finishReason());
                assertEquals(3, o.tokenIds().length);
            }
            assertTrue(llm.beamSearch("hello", ten.toBuilder().logitsProcessor(() -> nothing).build()).error().orElseThrow().getMessage()
                    .contains("no token may be picked"));
            RequestOutput late = llm.beamSearch("hello", ten.toBuilder().timeout(Duration.ofMillis(10)).build());
            assertEquals(3, late.outputs().size());
            for (CompletionOutput o : late.outputs()) {
                assertEquals(FinishReason.CANCELLED, o.finishReason());
                assertTrue(o.tokenIds().length < 200);
            }
            assertEquals(llm.metrics().kvBlocks(), llm.metrics().freeKvBlocks());
        }
    }

    @Test
    void aFailingStepFailsTheSearchAndLeavesTheEngineUsable() {
        var steps = new int[1];
        try (LLM llm = TinyLlm.open(OPTIONS, r -> new RunnerDouble(r, _ -> {
            if (++steps[0] == 5) {
                throw new IllegalStateException("pretended");
            }
        }))) {
            BeamSearchParams ten = BeamSearchParams.builder(4).maxTokens(10).ignoreEos(true).build();
            assertEquals("pretended", llm.beamSearch("hello", ten).error().orElseThrow().getMessage());
            assertEquals(10, llm.beamSearch("hello", ten).tokenIds().length);
            assertEquals(llm.metrics().kvBlocks(), llm.metrics().freeKvBlocks());
        }
    }

    @Test
    void settingsAreChecked() {
        assertThrows(IllegalArgumentException.class, () -> BeamSearchParams.builder(0).build());
        assertThrows(IllegalArgumentException.class, () -> BeamSearchParams.builder(3).n(4).build());
        assertThrows(IllegalArgumentException.class, () -> BeamSearchParams.builder(3).lengthPenalty(Double.NaN).build());
        assertThrows(IllegalArgumentException.class, () -> BeamSearchParams.builder(3).maxTokens(0).build());
        assertThrows(IllegalArgumentException.class, () -> BeamSearchParams.builder(3).maxTokens(3).minTokens(4).build());
        assertThrows(IllegalArgumentException.class, () -> BeamSearchParams.builder(3).repetitionPenalty(0).build());
    }
}
