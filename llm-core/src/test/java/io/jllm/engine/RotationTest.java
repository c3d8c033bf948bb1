package io.jllm.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.BeamSearchParams;
import io.jllm.CompletionOutput;
import io.jllm.LLM;
import io.jllm.LogitsProcessor;
import io.jllm.Prompt;
import io.jllm.Request;
import io.jllm.RequestOutput;
import io.jllm.SamplingParams;
import io.jllm.load.LoadedModel;
import io.jllm.model.ModelConfig;
import io.jllm.model.Program;
import io.jllm.model.Rope;
import io.jllm.spi.Backend;
import io.jllm.spi.ModelRunner;
import io.jllm.spi.ReferenceBackend;
import io.jllm.spi.TinyModels;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

/**
 * Models whose rotation depends on the length of the text: every token is the one that a computation of the whole text from its start gives,
 * however it was chunked, shared, put back or branched.
 */
class RotationTest {
    private static final int BORDER = 40;
    private static final int VOCAB = LetterTokenizer.VOCAB;
    private static final Rope PLAIN = TinyModels.rope(16, Rope.Layout.NEOX, 1);
    private static final Rope SWITCHED = new Rope(16, Rope.Layout.NEOX, PLAIN.invFreq(), 1, Optional.of(new Rope.Longer.Switched(BORDER,
            Rope.frequencies(16, 77), 1.2f)));
    private static final Rope GROWING = new Rope(16, Rope.Layout.NEOX, PLAIN.invFreq(), 1, Optional.of(new Rope.Longer.Dynamic(BORDER, 16, 10_000,
            4, 1)));
    private static final SamplingParams GREEDY = SamplingParams.builder().temperature(0).ignoreEos(true).maxTokens(20).build();

    /** Log-probabilities after texts, by their tokens. */
    private final Map<List<Integer>, float[]> fresh = new HashMap<>();

    private static LLM open(Rope rope, EngineOptions options) {
        return open(rope, options, r -> r);
    }

    private static LLM open(Rope rope, EngineOptions options, UnaryOperator<ModelRunner> wrapper) {
        var c = TinyLlm.CONFIG;
        var config = new ModelConfig(c.architecture(), c.layers(), c.hidden(), c.ffn(), c.heads(), c.kvHeads(), c.headDim(), c.vocab(),
                c.maxContext(), c.normEps(), rope, c.windows(), c.tiedEmbeddings(), c.biases());
        Program program = TinyModels.program(config);
        Backend backend = new TinyLlm.WrappedBackend(new ReferenceBackend(), wrapper, false);
        return new LoadedLlm(new LoadedModel(config, program, TinyModels.weights(program, 3), Optional.of(new LetterTokenizer()),
                SamplingParams.neutral(), Set.of(), "tiny"), backend, options, List.of());
    }

    private static int[] tokens(int seed, int count) {
        return new Random(seed).ints(count, 0, VOCAB).toArray();
    }

    /** What comes after a text that is computed in one step by an engine that shares nothing. */
    private float[] after(LLM plain, int[] text) {
        return fresh.computeIfAbsent(Arrays.stream(text).boxed().toList(), _ -> {
            var row = new ArrayList<float[]>();
            LogitsProcessor keep = (_, _, _, logits) -> row.add(logits.clone());
            plain.generate(List.of(new Request(Prompt.ofTokens(text), SamplingParams.builder().temperature(0).maxTokens(1).ignoreEos(true)
                    .logitsProcessor(() -> keep).build())));
            float[] logits = row.getFirst();
            double sum = 0;
            for (float l : logits) {
                sum += Math.exp(l);
            }
            for (int i = 0; i < logits.length; i++) {
                logits[i] -= (float) Math.log(sum);
            }
            return logits;
        });
    }

    /** That each token's log-probability is what a fresh computation says; true if the text passed the border. */
    private void check(LLM plain, int[] prompt, CompletionOutput o) {
        int[] text = Arrays.copyOf(prompt, prompt.length + o.tokenIds().length);
        System.arraycopy(o.tokenIds(), 0, text, prompt.length, o.tokenIds().length);
        for (int i = prompt.length; i < text.length; i++) {
            float want = after(plain, Arrays.copyOf(text, i))[text[i]];
            assertEquals(want, o.logprobs().get(i - prompt.length).logprob(), 1e-4f, "token " + (i - prompt.length) + " after " + prompt.length);
        }
    }

    @Test
    void longTextsAreOtherwise() {
        try (LLM plain = open(PLAIN, TinyLlm.options(1, 256, 16, 256)); LLM switched = open(SWITCHED, TinyLlm.options(1, 256, 16, 256))) {
            int[] prompt = tokens(1, BORDER + 1);
            float[] a = after(plain, prompt);
            fresh.clear();
            assertNotEquals(a[0], after(switched, prompt)[0], 1e-3f);
            fresh.clear();
            a = after(plain, Arrays.copyOf(prompt, BORDER));
            fresh.clear();
            assertArrayEquals(a, after(switched, Arrays.copyOf(prompt, BORDER)));
        }
    }

    @Test
    void textsThatPassTheBorderAreComputedAnew() {
        try (LLM plain = open(SWITCHED, TinyLlm.options(1, 256, 16, 256, false))) {
            for (int[] sizes : new int[][] {{1, 256, 16}, {8, 24, 4}, {8, 16, 16}, {8, 256, 1}}) {
                for (int positions : new int[] {2048, 144}) {
                    try (LLM llm = open(SWITCHED, TinyLlm.options(sizes[0], sizes[1], sizes[2], positions), LateRunner::new)) {
                        var requests = new ArrayList<Request>();
                        for (int length : new int[] {5, 21, 30, BORDER - 1, BORDER, BORDER + 1, 70, 30, 30, BORDER}) {
                            requests.add(new Request(Prompt.ofTokens(tokens(length, length)), GREEDY.toBuilder().logprobs(0).build()));
                        }
                        List<RequestOutput> all = llm.generate(requests);
                        for (int i = 0; i < all.size(); i++) {
                            check(plain, ((Prompt.Tokens) requests.get(i).prompt()).ids(), all.get(i).outputs().getFirst());
                        }
                        assertTrue(llm.metrics().preemptions() >= 6, "computed anew: " + llm.metrics().preemptions());
                        assertEquals(llm.metrics().kvBlocks(), llm.metrics().freeKvBlocks());
                    }
                }
            }
        }
    }

    @Test
    void branchesAndBeamsPassTheBorder() {
        try (LLM plain = open(SWITCHED, TinyLlm.options(1, 256, 16, 256, false))) {
            for (int positions : new int[] {2048, 256}) {
                try (LLM llm = open(SWITCHED, TinyLlm.options(4, 32, 8, positions))) {
                    int[] prompt = tokens(2, 33);
                    var sampled = SamplingParams.builder().temperature(1).seed(5).n(3).maxTokens(16).ignoreEos(true).logprobs(0).build();
                    llm.generate(List.of(new Request(Prompt.ofTokens(prompt), sampled))).getFirst().outputs().forEach(o -> check(plain, prompt, o));
                    long before = llm.metrics().preemptions();
                    var beams = BeamSearchParams.builder(3).n(3).maxTokens(16).ignoreEos(true).logprobs(0).build();
                    RequestOutput found = llm.beamSearch(List.of(Prompt.ofTokens(prompt)), beams).getFirst();
                    assertEquals(3, found.outputs().size(), () -> found.error().toString());
                    found.outputs().forEach(o -> check(plain, prompt, o));
                    assertEquals(before + 1, llm.metrics().preemptions());
                    assertEquals(llm.metrics().kvBlocks(), llm.metrics().freeKvBlocks());
                }
            }
        }
    }

    @Test
    void blocksAreSharedAmongTextsThatAreRotatedAlike() {
        try (LLM llm = open(SWITCHED, TinyLlm.options(4, 512, 8, 1024))) {
            int[] text = tokens(3, 70);
            var one = GREEDY.toBuilder().maxTokens(1).build();
            assertEquals(0, cached(llm, Arrays.copyOf(text, 39), one));
            assertEquals(32, cached(llm, Arrays.copyOf(text, 39), one));
            assertEquals(0, cached(llm, text, one));
            assertEquals(64, cached(llm, text, one));
            assertEquals(40, cached(llm, Arrays.copyOf(text, 48), one));
            assertEquals(32, cached(llm, Arrays.copyOf(text, 40), one));
        }
        try (LLM llm = open(GROWING, TinyLlm.options(4, 512, 8, 1024))) {
            int[] text = tokens(3, 70);
            var one = GREEDY.toBuilder().maxTokens(1).build();
            assertEquals(0, cached(llm, Arrays.copyOf(text, 39), one));
            assertEquals(32, cached(llm, Arrays.copyOf(text, 40), one));
            assertEquals(0, cached(llm, Arrays.copyOf(text, 69), one));
            assertEquals(0, cached(llm, text, one));
            assertEquals(64, cached(llm, text, one));
        }
    }

    private static int cached(LLM llm, int[] prompt, SamplingParams params) {
        return llm.generate(List.of(new Request(Prompt.ofTokens(prompt), params))).getFirst().metrics().cachedTokens();
    }

    /** A base that grows is chosen by the prompt, and stays while the text grows. */
    @Test
    void growingBasesGoByThePrompt() {
        try (LLM llm = open(GROWING, TinyLlm.options(4, 16, 8, 1024)); LLM fixed = open(GROWING.at(50), TinyLlm.options(4, 256, 8, 1024))) {
            int[] prompt = tokens(4, 50);
            var request = List.of(new Request(Prompt.ofTokens(prompt), GREEDY.toBuilder().logprobs(0).build()));
            CompletionOutput got = llm.generate(request).getFirst().outputs().getFirst();
            CompletionOutput want = fixed.generate(request).getFirst().outputs().getFirst();
            assertArrayEquals(want.tokenIds(), got.tokenIds());
            assertEquals(want.cumulativeLogprob(), got.cumulativeLogprob(), 1e-3);
            assertEquals(0, llm.metrics().preemptions());
        }
    }
}
