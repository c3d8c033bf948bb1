package io.jllm.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.CompletionOutput;
import io.jllm.LLM;
import io.jllm.Prompt;
import io.jllm.Request;
import io.jllm.RequestOutput;
import io.jllm.SamplingParams;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** A request says the same alone and among others, in any chunks, on any block size, and when it was put back. */
class BatchInvarianceTest {
    private static final List<Request> REQUESTS = requests(64);
    private static final List<RequestOutput> ALONE = alone();

    private static List<Request> requests(int count) {
        var random = new Random(11);
        var requests = new ArrayList<Request>();
        for (int i = 0; i < count; i++) {
            int[] ids = random.ints(1 + random.nextInt(90), 0, LetterTokenizer.VOCAB).toArray();
            var params = SamplingParams.builder().maxTokens(1 + random.nextInt(40)).ignoreEos(i % 3 == 0);
            switch (i % 4) {
                case 0 -> params.temperature(0);
                case 1 -> params.temperature(1.3).seed(i);
                case 2 -> params.temperature(0.8).topK(9).topP(0.9).minP(0.02).seed(i).frequencyPenalty(0.5);
                default -> params.temperature(0).repetitionPenalty(1.3).promptLogprobs(1).logprobs(2);
            }
            if (i % 5 < 2) {
                params.n(2 + i % 5);
            }
            requests.add(new Request(Prompt.ofTokens(ids), params.build()));
        }
        return requests;
    }

    private static List<RequestOutput> alone() {
        try (LLM llm = TinyLlm.open(TinyLlm.options(3, TinyLlm.CONTEXT, 16, 3 * TinyLlm.CONTEXT))) {
            return REQUESTS.stream().map(r -> llm.generate(List.of(r)).getFirst()).toList();
        }
    }

    @Test
    void roomForAll() {
        assertEquals(0, check(64, 4096, 16, 64 * 144));
    }

    @Test
    void smallPoolsPreempt() {
        assertTrue(check(64, 512, 16, 300) > 0);
        assertTrue(check(16, 64, 8, 160) > 0);
    }

    @Test
    void smallChunks() {
        check(7, 7, 16, 64 * 144);
        check(1, 3, 4, 200);
    }

    @Test
    void anyBlockSize() {
        for (int blockSize : new int[] {1, 2, 3, 5, 8, 13, 16, 31, 32, 64}) {
            assertTrue(check(64, 300, blockSize, 260) > 0, "block size " + blockSize);
        }
    }

    private static long check(int sequences, int tokens, int blockSize, int kvPositions) {
        try (LLM llm = TinyLlm.open(TinyLlm.options(sequences, tokens, blockSize, kvPositions),
                r -> new RunnerDouble(r, new WriteGuard(blockSize)))) {
            List<RequestOutput> want = ALONE.stream().filter(o -> o.outputs().size() <= sequences).toList();
            List<RequestOutput> together = llm.generate(REQUESTS.stream().filter(r -> r.params().n() <= sequences).toList());
            for (int i = 0; i < want.size(); i++) {
                same("request " + i, want.get(i), together.get(i));
            }
            assertEquals(llm.metrics().kvBlocks(), llm.metrics().freeKvBlocks(), "leaked blocks");
            assertEquals(want.size(), llm.metrics().finished());
            return llm.metrics().preemptions();
        }
    }

    private static void same(String which, RequestOutput want, RequestOutput got) {
        assertTrue(got.error().isEmpty(), () -> which + ": " + got.error());
        assertEquals(want.promptLogprobs().size(), got.promptLogprobs().size(), which);
        for (int p = 0; p < want.promptLogprobs().size(); p++) {
            assertEquals(want.promptLogprobs().get(p).logprob(), got.promptLogprobs().get(p).logprob(), which);
            assertArrayEquals(want.promptLogprobs().get(p).topIds(), got.promptLogprobs().get(p).topIds(), which);
        }
        assertEquals(want.outputs().size(), got.outputs().size(), which);
        for (int i = 0; i < want.outputs().size(); i++) {
            CompletionOutput w = want.outputs().get(i);
            CompletionOutput g = got.outputs().get(i);
            assertEquals(i, g.index(), which);
            assertArrayEquals(w.tokenIds(), g.tokenIds(), which);
            assertEquals(w.text(), g.text(), which);
            assertEquals(w.finishReason(), g.finishReason(), which);
            assertEquals(w.cumulativeLogprob(), g.cumulativeLogprob(), which);
        }
    }
}
