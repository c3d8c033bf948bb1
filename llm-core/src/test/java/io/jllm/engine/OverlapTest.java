package io.jllm.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.BeamSearchParams;
import io.jllm.CompletionOutput;
import io.jllm.EngineListener;
import io.jllm.FinishReason;
import io.jllm.LLM;
import io.jllm.Prompt;
import io.jllm.Request;
import io.jllm.RequestHandle;
import io.jllm.RequestOutput;
import io.jllm.SamplingParams;
import io.jllm.SamplingParamsBuilder;
import io.jllm.TokenLogprobs;
import io.jllm.TokenStream;
import io.jllm.quant.DType;
import io.jllm.spi.Backend.RunnerOptions;
import io.jllm.spi.DrawnTokens;
import io.jllm.spi.ReferenceRunner;
import io.jllm.spi.TinyModels;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.LongConsumer;
import org.junit.jupiter.api.Test;

/** With a runner that overlaps requests get what they get without, whatever else is in the batch, and nothing is held afterwards. */
class OverlapTest {
    private static final int MIXES = 150;
    private static final SamplingParams GREEDY = SamplingParams.builder().temperature(0).ignoreEos(true).build();

    /** What is asked for, and when it is cancelled: in which step, or never where that is 0. */
    private record Asked(Request request, int beams, boolean streamed, int cancelledIn) {
        RequestHandle start(LLM llm) {
            return beams > 0 ? llm.submit(request.prompt(), BeamSearchParams.builder(beams).maxTokens(request.params().maxTokens().orElseThrow())
                    .build()) : llm.submit(request);
        }
    }

    /** Cancels requests when their steps begin. */
    private static final class Cancels implements LongConsumer {
        private final Map<RequestHandle, Integer> when = new ConcurrentHashMap<>();

        @Override
        public void accept(long step) {
            when.forEach((handle, in) -> {
                if (step >= in) {
                    handle.cancel();
                }
            });
        }
    }

    private static Asked asked(Random random, int i) {
        int[] ids = random.ints(1 + random.nextInt(30), 0, LetterTokenizer.VOCAB).toArray();
        if (random.nextInt(3) == 0) {
            Arrays.fill(ids, 0, Math.min(ids.length, 24), 5); // some begin alike
        }
        SamplingParamsBuilder params = SamplingParams.builder().maxTokens(1 + random.nextInt(50)).seed(i).temperature(random.nextInt(3) * 0.7)
                .ignoreEos(random.nextInt(3) > 0).priority(random.nextInt(3)).n(random.nextInt(5) == 0 ? 2 : 1);
        switch (random.nextInt(10)) {
            case 0 -> params.stop("ab", "q", "xyz");
            case 1 -> params.stop("e").minTokens(1);
            case 2 -> params.stopTokenIds(Set.of(4, 7, 11));
            case 3 -> params.logitBias(3, 2).logitBias(9, -4).topK(8);
            case 4 -> params.topP(0.8).minP(0.02);
            case 5 -> params.frequencyPenalty(0.5).repetitionPenalty(1.2);
            default -> { }
        }
        if (random.nextInt(20) == 0) {
            switch (random.nextInt(3)) { // what needs the host keeps the steps that it is in from overlapping
                case 0 -> params.logprobs(2);
                case 1 -> params.promptLogprobs(1);
                default -> params.logitsProcessor(() -> (_, _, _, logits) -> logits[3] += 1);
            }
        }
        int beams = random.nextInt(40) == 0 ? 2 : 0;
        // The best texts of a search are others when it goes on.
        int cancelledIn = beams == 0 && random.nextInt(8) == 0 ? 1 + random.nextInt(40) : 0;
        return new Asked(new Request(Prompt.ofTokens(ids), params.build()), beams, random.nextBoolean(), cancelledIn);
    }

    private static List<RequestOutput> run(List<Asked> mix, EngineOptions options, boolean overlapped, Cancels cancels, List<LateRunner> runners,
            long[] preemptions) {
        LLM llm = TinyLlm.open(options, r -> {
            var guard = new WriteGuard(options.blockSize());
            if (!overlapped) {
                return new RunnerDouble(r, guard);
            }
            runners.add(new LateRunner(r));
            return new RunnerDouble(runners.getLast(), guard);
        }, new Timeline(cancels));
        try (llm) {
            var handles = new ArrayList<RequestHandle>();
            for (Asked a : mix) {
                if (a.streamed && a.beams == 0) {
                    TokenStream stream = llm.stream(a.request);
                    handles.add(stream);
                } else {
                    handles.add(a.start(llm));
                }
                if (a.cancelledIn > 0) {
                    cancels.when.put(handles.getLast(), a.cancelledIn);
                }
            }
            var outputs = new ArrayList<RequestOutput>();
            for (RequestHandle h : handles) {
                if (h instanceof TokenStream stream) {
                    var text = new StringBuilder();
                    stream.forEach(piece -> text.append(piece.index() == 0 ? piece.text() : ""));
                    outputs.add(stream.result().join());
                    assertEquals(outputs.getLast().outputs().getFirst().text(), text.toString());
                } else {
                    outputs.add(h.result().join());
                }
            }
            while (llm.metrics().running() + llm.metrics().waiting() > 0) {
                Thread.onSpinWait(); // a result may come before the step's counts
            }
            assertEquals(llm.metrics().kvBlocks(), llm.metrics().freeKvBlocks(), "leaked blocks");
            preemptions[0] += llm.metrics().preemptions();
            return outputs;
        }
    }

    @Test
    void textsAreTheSameWithAndWithout() {
        var runners = new ArrayList<LateRunner>();
        var preemptions = new long[1];
        int cancelled = 0;
        int stopped = 0;
        for (int seed = 0; seed < MIXES; seed++) {
            var random = new Random(seed);
            var mix = new ArrayList<Asked>();
            int count = 1 + random.nextInt(12);
            for (int i = 0; i < count; i++) {
                mix.add(asked(random, i));
            }
            int blockSize = List.of(1, 3, 4, 8, 16).get(random.nextInt(5));
            EngineOptions options = TinyLlm.options(4 + random.nextInt(12), 16 + random.nextInt(100), blockSize, 180 + random.nextInt(50),
                    random.nextBoolean());
            List<Asked> uncancelled = mix.stream().map(a -> new Asked(a.request, a.beams, a.streamed, 0)).toList();
            List<RequestOutput> want = run(uncancelled, options, false, new Cancels(), runners, new long[1]);
            List<RequestOutput> got = run(mix, options, true, new Cancels(), runners, preemptions);
            for (int i = 0; i < count; i++) {
                same("mix " + seed + ", request " + i, want.get(i), got.get(i));
                cancelled += got.get(i).finishReason() == FinishReason.CANCELLED ? 1 : 0;
                stopped += got.get(i).finishReason() == FinishReason.STOP ? 1 : 0;
            }
        }
        long passes = runners.stream().mapToLong(LateRunner::aheadPasses).sum();
        long tokens = runners.stream().mapToLong(LateRunner::drawnTokens).sum();
        assertTrue(passes > 10L * MIXES && tokens > 30L * MIXES, "passes " + passes + " and tokens " + tokens);
        assertTrue(preemptions[0] > MIXES / 4 && cancelled > MIXES / 10 && stopped > MIXES / 2,
                "preemptions " + preemptions[0] + ", cancelled " + cancelled + ", stopped " + stopped);
    }

    private static void same(String which, RequestOutput want, RequestOutput got) {
        assertTrue(got.error().isEmpty(), () -> which + ": " + got.error());
        assertEquals(want.outputs().size(), got.outputs().size(), which);
        boolean cancelled = got.outputs().stream().anyMatch(o -> o.finishReason() == FinishReason.CANCELLED);
        for (int o = 0; o < want.outputs().size(); o++) {
            CompletionOutput w = want.outputs().get(o);
            CompletionOutput g = got.outputs().get(o);
            if (g.finishReason() == FinishReason.CANCELLED) {
                assertArrayEquals(Arrays.copyOf(w.tokenIds(), g.tokenIds().length), g.tokenIds(), which);
                continue;
            }
            assertArrayEquals(w.tokenIds(), g.tokenIds(), which);
            assertEquals(w.text(), g.text(), which);
            assertEquals(w.finishReason(), g.finishReason(), which);
            assertEquals(w.stopReason(), g.stopReason(), which);
            assertEquals(w.cumulativeLogprob(), g.cumulativeLogprob(), which);
            assertEquals(logprobs(w.logprobs()), logprobs(g.logprobs()), which);
        }
        if (!cancelled) {
            assertEquals(logprobs(want.promptLogprobs()), logprobs(got.promptLogprobs()), which);
        }
    }

    private static List<String> logprobs(List<TokenLogprobs> all) {
        return all.stream().map(t -> t.id() + " " + t.logprob() + " " + Arrays.toString(t.topIds()) + Arrays.toString(t.topLogprobs())).toList();
    }

    @Test
    void theRunnerDoesWhatRunnersThatOverlapMustDo() {
        var program = TinyModels.program(TinyLlm.CONFIG);
        var options = new RunnerOptions(64, 8, 64, 4, 60, 0, DType.F32);
        DrawnTokens.check(new LateRunner(new ReferenceRunner(program, TinyModels.weights(program, 1), options)),
                new ReferenceRunner(program, TinyModels.weights(program, 1), options), LetterTokenizer.VOCAB);
    }

    @Test
    void nothingIsComputedInVainWhereTheLengthIsKnown() {
        var late = new LateRunner[1];
        try (LLM llm = TinyLlm.open(TinyLlm.options(4, 64, 16, 1024), r -> late[0] = new LateRunner(r))) {
            llm.generate(List.of(new Request(Prompt.ofTokens(1, 2, 3), GREEDY.toBuilder().maxTokens(10).build()),
                    new Request(Prompt.ofTokens(4, 5), GREEDY.toBuilder().maxTokens(1).build())));
            assertEquals(3 + 9 + 2, llm.metrics().computedTokens());
            assertEquals(11, llm.metrics().generatedTokens());
        }
        assertEquals(9, late[0].drawnTokens());
    }

    /** The text that a stop string ends has one token more on the device, and the next request finds the blocks free. */
    @Test
    void whatIsComputedInVainIsDropped() {
        var late = new LateRunner[1];
        try (LLM llm = TinyLlm.open(TinyLlm.options(2, 64, 4, 64, false), r -> new RunnerDouble(late[0] = new LateRunner(r), new WriteGuard(4)));
                LLM plain = TinyLlm.open(TinyLlm.options(2, 64, 4, 64, false))) {
            for (int i = 1; i < 26; i++) {
                Prompt prompt = Prompt.ofTokens(i, i + 1 & 15, 7);
                var drawn = SamplingParams.builder().temperature(1).seed(i).ignoreEos(true).maxTokens(20).build();
                String said = plain.generate(List.of(new Request(prompt, drawn))).getFirst().text();
                var request = new Request(prompt, drawn.toBuilder().stop(said.substring(3, 5)).build());
                RequestOutput want = plain.generate(List.of(request)).getFirst();
                long before = llm.metrics().computedTokens();
                RequestOutput got = llm.generate(List.of(request)).getFirst();
                same("prompt " + i, want, got);
                while (llm.metrics().running() > 0) {
                    Thread.onSpinWait();
                }
                assertEquals(FinishReason.STOP, got.finishReason());
                assertTrue(llm.metrics().computedTokens() - before <= 3 + got.tokenIds().length + 1);
            }
            assertEquals(llm.metrics().kvBlocks(), llm.metrics().freeKvBlocks());
        }
    }

    @Test
    void thePrefixCacheKnowsAsMuch() {
        for (int blockSize : new int[] {1, 4, 5, 16}) {
            EngineOptions options = TinyLlm.options(4, 64, blockSize, 1024);
            try (LLM plain = TinyLlm.open(options); LLM late = TinyLlm.open(options, LateRunner::new)) {
                for (int length : new int[] {3, 16, 31, 32, 33}) {
                    int[] prompt = new Random(length).ints(length, 0, LetterTokenizer.VOCAB).toArray();
                    assertEquals(cached(plain, prompt), cached(late, prompt), blockSize + " positions a block, prompt of " + length);
                }
            }
        }
    }

    /** How much of a text and its answer is known, when they are asked for again. */
    private static int cached(LLM llm, int[] prompt) {
        int[] said = llm.generate(List.of(new Request(Prompt.ofTokens(prompt), GREEDY.toBuilder().maxTokens(33).build()))).getFirst().tokenIds();
        int[] both = Arrays.copyOf(prompt, prompt.length + said.length);
        System.arraycopy(said, 0, both, prompt.length, said.length);
        return llm.generate(List.of(new Request(Prompt.ofTokens(both), GREEDY.toBuilder().maxTokens(1).build()))).getFirst().metrics()
                .cachedTokens();
    }

    @Test
    void listenersHearOfOneStepAfterTheOther() {
        var heard = new CopyOnWriteArrayList<String>();
        var listener = new EngineListener() {
            @Override
            public void stepStarted(long number) {
                heard.add("begin " + number);
            }

            @Override
            public void step(Step step) {
                heard.add("end " + step.number() + " of " + step.tokens());
            }
        };
        try (LLM llm = TinyLlm.open(TinyLlm.options(4, 16, 16, 512), LateRunner::new, listener)) {
            llm.generate(List.of(new Request(Prompt.ofTokens(new int[20]), GREEDY.toBuilder().maxTokens(4).build())));
        }
        assertEquals(List.of("begin 1", "end 1 of 16", "begin 2", "end 2 of 4", "begin 3", "end 3 of 1", "begin 4", "end 4 of 1", "begin 5",
                "end 5 of 1"), heard);
    }

    @Test
    void closingAndCancellingWithAStepUnderWayEndsAll() {
        var late = new LateRunner[1];
        LLM llm = TinyLlm.open(TinyLlm.options(4, 64, 4, 1024), r -> late[0] = new LateRunner(r));
        try (llm) {
            for (int i = 0; i < 20; i++) {
                TokenStream stream = llm.stream(new Request(Prompt.ofTokens(i, 2), GREEDY.toBuilder().maxTokens(200).build()));
                TokenStream other = llm.stream(new Request(Prompt.ofTokens(i, 3), GREEDY.toBuilder().maxTokens(12).build()));
                stream.iterator().next();
                stream.cancel();
                assertEquals(FinishReason.CANCELLED, stream.result().join().finishReason());
                assertEquals(12, other.result().join().tokenIds().length);
            }
            TokenStream last = llm.stream(new Request(Prompt.ofTokens(1, 2), GREEDY.toBuilder().maxTokens(200).build()));
            last.iterator().next();
            llm.close();
            assertEquals(FinishReason.CANCELLED, last.result().join().finishReason());
            assertEquals(0, llm.metrics().running() + llm.metrics().waiting());
            assertEquals(llm.metrics().kvBlocks(), llm.metrics().freeKvBlocks());
        }
        assertTrue(late[0].aheadPasses() > 100);
    }
}
