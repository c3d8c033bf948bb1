package io.jllm.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.LLM;
import io.jllm.Prompt;
import io.jllm.Request;
import io.jllm.RequestOutput;
import io.jllm.SamplingParams;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/** Shared prefixes save work and change nothing. */
class PrefixCacheTest {
    private static final SamplingParams EIGHT = SamplingParams.builder().temperature(0).ignoreEos(true).maxTokens(8).build();

    private static int[] tokens(int seed, int count) {
        return new Random(seed).ints(count, 0, LetterTokenizer.VOCAB).toArray();
    }

    private static RequestOutput say(LLM llm, int[] prompt, SamplingParams params) {
        return llm.generate(List.of(new Request(Prompt.ofTokens(prompt), params))).getFirst();
    }

    @Test
    void aRepeatedPromptComputesOnlyItsLastPartialBlock() {
        try (LLM llm = TinyLlm.open(TinyLlm.options(4, 512, 16, 1024))) {
            int[] prompt = tokens(1, 200);
            RequestOutput first = say(llm, prompt, EIGHT);
            long before = llm.metrics().computedTokens();
            RequestOutput again = say(llm, prompt, EIGHT);
            assertEquals(0, first.metrics().cachedTokens());
            assertEquals(192, again.metrics().cachedTokens());
            assertEquals(200 - 192 + 7, llm.metrics().computedTokens() - before);
            assertArrayEquals(first.tokenIds(), again.tokenIds());
            assertEquals(first.outputs().getFirst().cumulativeLogprob(), again.outputs().getFirst().cumulativeLogprob());
            llm.resetPrefixCache();
            assertEquals(0, say(llm, prompt, EIGHT).metrics().cachedTokens());
        }
    }

    /** Prompts that begin alike and come together are not computed side by side: one goes ahead, the others find its blocks. */
    @Test
    void promptsThatComeTogetherAreComputedOnce() {
        for (int budget : new int[] {20, 64, 2048}) {
            var started = new CountDownLatch(1);
            try (LLM llm = TinyLlm.open(TinyLlm.options(8, budget, 16, 2048), r -> new RunnerDouble(r, _ -> await(started)))) {
                int[] prompt = tokens(1, 200);
                var requests = new ArrayList<Request>();
                for (int i = 0; i < 8; i++) {
                    int[] own = prompt.clone();
                    own[199] = i;
                    requests.add(new Request(Prompt.ofTokens(own), EIGHT));
                }
                var all = llm.generateAsync(requests);
                started.countDown();
                List<RequestOutput> together = all.join();
                long computed = llm.metrics().computedTokens();
                assertTrue(computed <= 200 + 7 * (200 - 192) + 8 * 7, budget + " tokens a step: computed " + computed);
                assertTrue(together.stream().skip(1).allMatch(o -> o.metrics().cachedTokens() == 192));
                for (int i = 0; i < 8; i++) {
                    llm.resetPrefixCache();
                    assertArrayEquals(say(llm, ((Prompt.Tokens) requests.get(i).prompt()).ids(), EIGHT).tokenIds(), together.get(i).tokenIds());
                }
            }
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void theLastTokenIsAlwaysComputed() {
        try (LLM llm = TinyLlm.open(TinyLlm.options(4, 512, 16, 1024))) {
            int[] prompt = tokens(2, 64);
            say(llm, prompt, EIGHT);
            assertEquals(48, say(llm, prompt, EIGHT).metrics().cachedTokens());
            assertEquals(0, say(llm, prompt, EIGHT.toBuilder().promptLogprobs(0).build()).metrics().cachedTokens());
        }
    }

    @Test
    void saltKeepsRequestsApart() {
        try (LLM llm = TinyLlm.open(TinyLlm.options(4, 512, 16, 1024))) {
            int[] prompt = tokens(3, 100);
            say(llm, prompt, EIGHT);
            SamplingParams salted = EIGHT.toBuilder().cacheSalt("tenant 2").build();
            assertEquals(0, say(llm, prompt, salted).metrics().cachedTokens());
            assertEquals(96, say(llm, prompt, salted).metrics().cachedTokens());
        }
    }

    @Test
    void canBeSwitchedOff() {
        try (LLM llm = TinyLlm.open(TinyLlm.options(4, 512, 16, 1024, false))) {
            int[] prompt = tokens(3, 100);
            say(llm, prompt, EIGHT);
            assertEquals(0, say(llm, prompt, EIGHT).metrics().cachedTokens());
        }
    }

    /** Many requests with common beginnings, in a pool that must evict and preempt, say what they say without a cache. */
    @Test
    void sharingChangesNothing() {
        var random = new Random(9);
        var requests = new ArrayList<Request>();
        for (int i = 0; i < 80; i++) {
            int[] stem = tokens(random.nextInt(3), 40 + 16 * random.nextInt(3));
            int[] own = tokens(100 + i % 7, random.nextInt(30));
            int[] prompt = new int[stem.length + own.length];
            System.arraycopy(stem, 0, prompt, 0, stem.length);
            System.arraycopy(own, 0, prompt, stem.length, own.length);
            requests.add(new Request(Prompt.ofTokens(prompt), EIGHT.toBuilder().maxTokens(1 + random.nextInt(20)).temperature(i % 2).seed(i)
                    .build()));
        }
        List<RequestOutput> plain;
        try (LLM llm = TinyLlm.open(TinyLlm.options(4, 512, 16, 4096, false))) {
            plain = llm.generate(requests);
        }
        for (int blockSize : new int[] {1, 4, 16}) {
            try (LLM llm = TinyLlm.open(TinyLlm.options(16, 100, blockSize, 160))) {
                List<RequestOutput> shared = llm.generate(requests);
                int cached = 0;
                for (int i = 0; i < requests.size(); i++) {
                    assertArrayEquals(plain.get(i).tokenIds(), shared.get(i).tokenIds(), "request " + i);
                    cached += shared.get(i).metrics().cachedTokens();
                }
                assertTrue(cached > 500, "cached " + cached);
                assertTrue(llm.metrics().preemptions() > 0);
                assertEquals(llm.metrics().kvBlocks(), llm.metrics().freeKvBlocks());
            }
        }
    }
}
