package io.jllm.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.LLM;
import io.jllm.LlmBuilder;
import io.jllm.Prompt;
import io.jllm.Request;
import io.jllm.RequestOutput;
import io.jllm.SamplingParams;
import io.jllm.demo.DemoModel;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The demo model says the same to a request alone and among 63 others that must make room for each other, bit for bit. */
class BatchInvarianceTest {
    private static final int REQUESTS = 64;

    private static List<Request> requests() {
        var random = new Random(4);
        var requests = new ArrayList<Request>();
        for (int i = 0; i < REQUESTS; i++) {
            int[] ids = random.ints(1 + random.nextInt(50), 1, 8192).toArray();
            var params = SamplingParams.builder().ignoreEos(true).maxTokens(4 + random.nextInt(8)).temperature(i % 2).seed(i).topP(0.95);
            requests.add(new Request(Prompt.ofTokens(ids), params.build()));
        }
        return requests;
    }

    private static LlmBuilder demo() {
        return LLM.load(DemoModel.path()).backend("cpu").maxContext(128);
    }

    @Test
    void aloneAndTogether() {
        List<Request> requests = requests();
        List<RequestOutput> alone;
        try (LLM llm = demo().threads(1).prefixCache(false).open()) {
            alone = requests.stream().map(r -> llm.generate(List.of(r)).getFirst()).toList();
        }
        long bytesOfPosition = 6L * 2 * 256 * Float.BYTES;
        for (int threads = 1; threads <= 2; threads++) {
            try (LLM llm = demo().threads(threads).blockSize(4).maxTokensPerStep(70).kvCache(80 * bytesOfPosition).open()) {
                List<RequestOutput> together = llm.generate(requests);
                for (int i = 0; i < REQUESTS; i++) {
                    assertArrayEquals(alone.get(i).tokenIds(), together.get(i).tokenIds(), "request " + i);
                    assertEquals(alone.get(i).outputs().getFirst().cumulativeLogprob(),
                            together.get(i).outputs().getFirst().cumulativeLogprob(), "request " + i);
                }
                assertTrue(llm.metrics().preemptions() > 0, "the KV cache was meant to be too small");
                assertEquals(llm.metrics().kvBlocks(), llm.metrics().freeKvBlocks());
            }
        }
    }
}
