package io.jllm.engine.schedule;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.BeamSearchParams;
import io.jllm.LLM;
import io.jllm.Prompt;
import io.jllm.Request;
import io.jllm.RequestHandle;
import io.jllm.RequestOutput;
import io.jllm.RequestRejectedException;
import io.jllm.SamplingParams;
import io.jllm.engine.EngineOptions;
import io.jllm.engine.LetterTokenizer;
import io.jllm.engine.LoadedLlm;
import io.jllm.engine.Timeline;
import io.jllm.load.LoadedModel;
import io.jllm.model.ModelConfig;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.quant.DType;
import io.jllm.spi.ReferenceBackend;
import io.jllm.spi.TinyModels;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongConsumer;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/** Nobody starves: the bounds that {@link Scheduler} and {@link WaitingQueue} promise, counted in steps of the engine over the oracle. */
class FairnessTest {
    private static final int CONTEXT = 5000;
    private static final int SEQUENCES = 8;
    private static final int BUDGET = 64;
    /** What is left for prompts, at the least. */
    private static final int REST = BUDGET - SEQUENCES + 1;
    private static final int LONG = 4096;
    private static final int QUEUE = 40;
    private static final ModelConfig CONFIG = TinyModels.config(LetterTokenizer.VOCAB, 1, 8, 8, new Op.AttentionShape(1, 1, 4), CONTEXT, 0);
    private static final Program PROGRAM = TinyModels.program(CONFIG);
    private static final TinyModels.MemoryWeights WEIGHTS = TinyModels.weights(PROGRAM, 5);

    private final Map<String, RequestHandle> handles = new ConcurrentHashMap<>();
    private LLM llm;
    private Timeline timeline;

    /** An engine that does something when a step begins. */
    private LLM open(int sequences, int kvPositions, LongConsumer atStep) {
        var tokenizer = new LetterTokenizer();
        var model = new LoadedModel(CONFIG, PROGRAM, WEIGHTS, Optional.of(tokenizer), SamplingParams.neutral(), tokenizer.eos(), "tiny");
        long bytes = CONFIG.kvFloatsPerToken() * Float.BYTES * kvPositions;
        timeline = new Timeline(atStep);
        llm = new LoadedLlm(model, new ReferenceBackend(), new EngineOptions(OptionalInt.empty(), sequences, OptionalInt.of(BUDGET), 16, bytes,
                Optional.of(DType.F32), false, QUEUE), List.of(timeline));
        return llm;
    }

    private static Request request(int seed, int prompt, int generate, int priority) {
        return new Request(Prompt.ofTokens(new Random(seed).ints(prompt, 0, LetterTokenizer.VOCAB).toArray()),
                SamplingParams.builder().temperature(0).ignoreEos(true).maxTokens(generate).priority(priority).build());
    }

    private void submit(String name, Request request) {
        handles.put(name, llm.submit(request));
    }

    /** As many as the queue takes. */
    private void flood(int count, Supplier<Request> requests) {
        try {
            for (int i = 0; i < count; i++) {
                llm.submit(requests.get());
            }
        } catch (RequestRejectedException e) {
            assertEquals(QUEUE, e.limit());
        } catch (IllegalStateException e) {
            assertTrue(e.getMessage().contains("closed"), "the test is over");
        }
    }

    /** Waits for a request, one that a later step begins, too. */
    private RequestHandle ended(String name) {
        while (!handles.containsKey(name)) {
            Thread.onSpinWait();
        }
        handles.get(name).result().join();
        return handles.get(name);
    }

    private static void assertWithin(long bound, long steps) {
        assertTrue(steps <= bound, steps + " steps, of at most " + bound);
    }

    @Test
    void longPromptsDoNotBlockShortOnes() {
        try (LLM _ = open(SEQUENCES, 3 * CONTEXT, step -> {
            if (step == 1) {
                submit("long", request(2, LONG, 1, 0));
                submit("long too", request(3, LONG, 1, 0));
            } else if (step == 10) {
                submit("short", request(4, 50, 1, 0));
                submit("shorter", request(5, 20, 1, 0));
            }
        })) {
            submit("first", request(1, 1, 3, 0));
            assertWithin(2 * (20 + 50) / REST + 1, timeline.stepsToFirstToken(ended("short")));
            assertWithin(2 * 20 / REST + 1, timeline.stepsToFirstToken(ended("shorter")));
            assertWithin(2 * LONG / REST + 2, timeline.stepsToFirstToken(ended("long")));
            assertWithin(2 * 2 * LONG / REST + 3, timeline.stepsToFirstToken(ended("long too")));
        }
    }

    @Test
    void shortPromptsDoNotStarveALongOne() {
        var seed = new Random(1);
        try (LLM _ = open(SEQUENCES, 3 * CONTEXT, step -> {
            if (step == 5) {
                submit("long", request(2, LONG, 3, 0));
            }
            if (!handles.containsKey("long") || !handles.get("long").result().isDone()) {
                flood(3, () -> request(seed.nextInt(), 30 + seed.nextInt(40), 1, 0));
            }
        })) {
            submit("first", request(1, 1, 10, 0));
            RequestOutput out = ended("long").result().join();
            // Those that were there before it: five steps' floods, of prompts of at most 70 tokens.
            int before = 15;
            assertWithin(2 * (LONG + before * 70) / REST + before + 1, timeline.stepsToFirstToken(handles.get("long")));
            assertEquals(3, timeline.stepsOfTokens(handles.get("long")));
            assertTrue(llm.metrics().finished() > 50, "others go on meanwhile");
            while (llm.metrics().running() + llm.metrics().waiting() > 0) {
                Thread.onSpinWait();
            }
            assertArrayEquals(llm.generate(List.of(request(2, LONG, 3, 0))).getFirst().tokenIds(), out.tokenIds());
        }
    }

    @Test
    void thoseThatGenerateAdvanceInEveryStep() {
        var seed = new Random(1);
        try (LLM _ = open(SEQUENCES, 5 * CONTEXT, step -> {
            if (step == 3) {
                submit("long", request(2, LONG, 1, 0));
                submit("long too", request(3, LONG, 1, 0));
            }
            flood(step < 60 ? 2 : 0, () -> request(seed.nextInt(), 60, 20, 0));
        })) {
            submit("first", request(1, 10, 150, 0));
            assertEquals(150, timeline.stepsOfTokens(ended("first")));
            ended("long too");
        }
    }

    @Test
    void lowerPrioritiesStartFirst() {
        try (LLM _ = open(1, CONTEXT, step -> {
            if (step == 1) {
                submit("a", request(2, 5, 2, 1));
                submit("b", request(3, 5, 2, 0));
                submit("c", request(4, 5, 2, -7));
                submit("d", request(5, 5, 2, 0));
                handles.put("e", llm.submit(request(6, 5, 1, 0).prompt(), BeamSearchParams.builder(1).maxTokens(2).priority(-8).build()));
            }
        })) {
            submit("first", request(1, 1, 3, 0));
            ended("a");
            assertEquals(List.of("first", "e", "c", "b", "d", "a").stream().map(n -> handles.get(n).requestId()).toList(), timeline.started());
        }
    }

    /** The rule of {@link WaitingQueue}: of any nine that start, one is the oldest that waits. */
    @Test
    void noPriorityStarves() {
        var lows = List.of("low", "lower", "lowest");
        try (LLM _ = open(1, CONTEXT, step -> {
            flood(isDone("lowest") ? 0 : 2, () -> request(9, 3, 1, 0));
            if (step == 1) {
                lows.forEach(n -> submit(n, request(2, 5, 2, Integer.MAX_VALUE)));
            }
        })) {
            submit("first", request(1, 1, 2, 0));
            lows.forEach(this::ended);
            int older = 2;
            for (int m = 0; m < 3; m++) {
                int place = timeline.started().indexOf(handles.get(lows.get(m)).requestId());
                assertTrue(place > WaitingQueue.PATIENCE * (m + 1), "priorities count, but it started as number " + place);
                assertWithin((WaitingQueue.PATIENCE + 1) * (older + m + 1) + 1, place);
            }
        }
    }

    /** Eight blocks are too few for both: the one of the lower rank waits, and says the same in the end. */
    @Test
    void thePriorityTellsWhoGivesWay() {
        for (int priority : new int[] {-1, 0, 1}) {
            handles.clear();
            try (LLM _ = open(4, 128, step -> {
                if (step == 2) {
                    submit("second", request(2, 30, 60, priority));
                }
            })) {
                submit("first", request(1, 30, 60, 0));
                RequestOutput second = ended("second").result().join();
                RequestOutput first = ended("first").result().join();
                assertEquals(priority < 0, first.metrics().preemptions() > 0);
                assertEquals(priority >= 0, second.metrics().preemptions() > 0);
                assertArrayEquals(llm.generate(List.of(request(1, 30, 60, 0))).getFirst().tokenIds(), first.tokenIds());
                assertArrayEquals(llm.generate(List.of(request(2, 30, 60, 0))).getFirst().tokenIds(), second.tokenIds());
            }
        }
    }

    @Test
    void whoWaitedLongIsNotPutBackForThoseThatPassedIt() {
        var seed = new Random(1);
        try (LLM _ = open(4, 128, step -> {
            if (step == 2) {
                submit("low", request(2, 30, 90, 1000));
            }
            flood(isDone("low") ? 0 : 2, () -> request(seed.nextInt(), 20 + seed.nextInt(20), 20 + seed.nextInt(20), 0));
        })) {
            submit("first", request(1, 30, 60, 0));
            RequestOutput low = ended("low").result().join();
            assertEquals(90, low.tokenIds().length);
            assertEquals(0, low.metrics().preemptions());
            assertTrue(llm.metrics().preemptions() > 0, "others were");
        }
    }

    @Test
    void aWideSearchIsNotPassedByNarrowRequests() {
        var seed = new Random(1);
        try (LLM _ = open(SEQUENCES, CONTEXT, step -> {
            if (step == 3) {
                handles.put("wide", llm.submit(request(2, 9, 1, 0).prompt(), BeamSearchParams.builder(SEQUENCES).maxTokens(5).build()));
            }
            flood(isDone("wide") ? 0 : 2, () -> request(seed.nextInt(), 20, 1 + seed.nextInt(20), 0));
        })) {
            submit("first", request(1, 1, 9, 0));
            long wide = ended("wide").requestId();
            List<Long> before = timeline.started().stream().takeWhile(id -> id != wide).toList();
            assertTrue(before.stream().allMatch(id -> id < wide), before.toString());
        }
    }

    private boolean isDone(String name) {
        return handles.containsKey(name) && handles.get(name).result().isDone();
    }
}
