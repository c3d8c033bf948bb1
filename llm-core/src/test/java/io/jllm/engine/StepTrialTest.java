package io.jllm.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.EngineListener.Step;
import io.jllm.LLM;
import io.jllm.Prompt;
import io.jllm.Request;
import io.jllm.SamplingParams;
import io.jllm.engine.schedule.SchedulerLimits;
import io.jllm.spi.ModelRunner;
import io.jllm.spi.StepBatch;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import java.util.function.IntToLongFunction;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** How many tokens steps get beside sequences that generate, by how long they take. */
class StepTrialTest {
    private static final long MILLI = 1_000_000;
    private static final SchedulerLimits LIMITS = new SchedulerLimits(2048, 64, 128, 16, true);

    private long now;
    private final List<Integer> tried = new ArrayList<>();

    /** What is found where a step of so many tokens takes so many nanoseconds. */
    private SchedulerLimits found(SchedulerLimits limits, int maxContext, IntToLongFunction nanos) {
        tried.clear();
        ModelRunner runner = new RunnerDouble(new IdleRunner(40, 1, 100), b -> {
            check(b, maxContext);
            tried.add(b.tokens);
            now += nanos.applyAsLong(b.tokens);
        });
        return StepTrial.of(runner, 100, maxContext, limits, () -> now);
    }

    private static void check(StepBatch b, int maxContext) {
        assertEquals(b.tokens, b.queryStart[b.sequences]);
        for (int s = 0; s < b.sequences; s++) {
            int length = b.queryStart[s + 1] - b.queryStart[s];
            assertTrue(length > 0 && length <= maxContext, length + " tokens");
            assertEquals(length, b.contextLength[s]);
            for (int i = 0; i < length; i++) {
                int t = b.queryStart[s] + i;
                assertEquals(i, b.positions[t]);
                assertEquals(b.blockTable[s * b.maxBlocks + i / 16] * 16 + i % 16, b.kvSlots[t]);
                assertTrue(b.tokenIds[t] >= 0 && b.tokenIds[t] < 100 && b.kvSlots[t] < 40 * 16);
            }
        }
    }

    @Test
    void shortStepsMayBeAsLargeAsThereIsRoomFor() {
        assertEquals(2048, found(LIMITS, 4096, n -> 4 * MILLI + n * MILLI / 40).mixedTokens());
        assertEquals(List.of(256, 256, 2048), tried, "smaller ones are short then");
        assertEquals(2048, found(LIMITS, 4096, n -> 20 * MILLI + n * MILLI / 52).mixedTokens(), "a small one does not show how fast larger ones are");
        assertEquals(List.of(256, 256, 512, 1024, 2048), tried);
    }

    @Test
    void longStepsMustBeWorthIt() {
        assertEquals(256, found(LIMITS, 4096, n -> n * MILLI).mixedTokens(), "nothing is gained");
        assertEquals(List.of(256, 256, 512, 512), tried, "what seems worse is tried again");
        assertEquals(1024, found(LIMITS, 4096, n -> 100 * MILLI + n * MILLI / 2).mixedTokens(), "weights must be read once a step");
        assertEquals(512, found(LIMITS, 4096, n -> n * MILLI / 10).mixedTokens(), "52 ms");
        assertEquals(2048, found(LIMITS, 4096, n -> n * MILLI / 10).maxTokens(), "who computes prompts alone keeps nobody waiting");
    }

    @Test
    void anInterruptionIsNoReason() {
        assertEquals(2048, found(LIMITS, 4096, n -> n * MILLI / 40 + (tried.size() == 3 ? 500 * MILLI : 0)).mixedTokens());
    }

    @Test
    void limitsHold() {
        assertEquals(128, found(new SchedulerLimits(128, 4, 8, 16, true), 4096, n -> n * MILLI).mixedTokens(), "there is nothing to choose");
        assertEquals(List.of(), tried);
        assertEquals(400, found(new SchedulerLimits(2048, 200, 400, 16, true), 4096, n -> n * MILLI).mixedTokens(), "as many for prompts");
        assertEquals(2048, found(new SchedulerLimits(2048, 2, 4, 16, true), 300, n -> n * MILLI / 40).mixedTokens(), "600 fit");
        assertEquals(List.of(256, 256, 600), tried);
        assertEquals(LIMITS, found(LIMITS, 4096, n -> {
            throw new IllegalStateException("no device");
        }));
    }

    /** Where nobody generates steps are large, else small. */
    @Test
    void theSchedulerKeepsToIt() {
        var heard = new Recorder();
        var options = new EngineOptions(OptionalInt.empty(), 4, OptionalInt.empty(), 16, 0, Optional.empty(), false, 64);
        try (LLM llm = TinyLlm.open(options, StepTrialTest::paced, heard)) {
            var random = new Random(1);
            SamplingParams params = SamplingParams.builder().temperature(0).ignoreEos(true).maxTokens(6).build();
            llm.generate(Stream.generate(() -> new Request(Prompt.ofTokens(random.ints(240, 0, LetterTokenizer.VOCAB).toArray()), params)).limit(4)
                    .toList());
        }
        assertTrue(heard.steps.stream().anyMatch(s -> s.tokens() > 256), heard.steps.toString());
        for (Step s : heard.steps) {
            assertTrue(s.tokens() <= (s.decodeTokens() > 0 ? 256 : 512), s.toString());
        }
    }

    private static ModelRunner paced(ModelRunner computes) {
        computes.close();
        return new RunnerDouble(new IdleRunner(64, 8, LetterTokenizer.VOCAB), b -> pause(b.tokens > 256 ? 300 : b.tokens > 100 ? 70 : 0));
    }

    private static void pause(int millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
