package io.jllm.examples.cli.soak;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.jllm.CompletionOutput;
import io.jllm.FinishReason;
import io.jllm.LLM;
import io.jllm.LlmBuilder;
import io.jllm.RequestOutput;
import io.jllm.TokenLogprobs;
import io.jllm.TokenStream.Piece;
import io.jllm.demo.DemoModel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A short soak goes well, and what goes wrong in one is noticed. */
class SoakTest {
    private static final int CONTEXT = 96;

    @TempDir
    private Path folder;

    private static LlmBuilder demo() {
        return LLM.load(DemoModel.path());
    }

    private Soak.Options options(int requests, int rounds, long seed) {
        return new Soak.Options(requests, 6, rounds, seed, CONTEXT, Optional.of(folder.resolve("log.jsonl")));
    }

    private List<JsonObject> log() throws Exception {
        return Files.readAllLines(folder.resolve("log.jsonl")).stream().map(l -> JsonParser.parseString(l).getAsJsonObject()).toList();
    }

    @Test
    void aShortOne() throws Exception {
        var ticks = new AtomicInteger();
        SoakReport report = Soak.run(SoakTest::demo, options(90, 2, 5), ticks::incrementAndGet);
        assertEquals(List.of(), report.complaints(), () -> report.json().toString());
        assertEquals(90, report.finished());
        assertEquals(90, ticks.get());
        assertTrue(report.tokens() > 0 && report.cancelled() > 0 && report.failed() > 0, report.json().toString());
        List<JsonObject> lines = log();
        assertEquals(1 + 90 + 2, lines.size());
        assertEquals(5, lines.getFirst().get("seed").getAsLong());
        Set<Integer> requests = lines.stream().filter(l -> l.has("request")).map(l -> l.get("request").getAsInt())
                .collect(Collectors.toSet());
        assertEquals(90, requests.size());
    }

    @Test
    void wrongAnswersAreCounted() throws Exception {
        SoakReport report = Soak.run(SoakTest::demo, options(20, 1, 6), () -> { }, llm -> {
            Soloist right = Soloist.of(llm);
            return q -> withOutput(right.answer(q), o -> new CompletionOutput(o.index(), o.text() + "!", o.tokenIds(), o.logprobs(),
                    o.cumulativeLogprob(), o.score(), o.finishReason(), o.stopReason()));
        });
        assertEquals(20, report.finished());
        assertTrue(report.wrong() > 3, report.json().toString());
        assertEquals(List.of(report.wrong() + " answers were wrong"), report.complaints());
        assertEquals(report.wrong(), log().stream().filter(l -> l.has("wrong") && l.has("prompt")).count());
    }

    /** An engine that stands still is given up, and who waits for it is lost. */
    @Test
    void lostRequestsAreCounted() throws Exception {
        var release = new CountDownLatch(1);
        var ends = new Ends();
        var tally = new Tally();
        try (LLM llm = demo().maxContext(CONTEXT).listener(ends).open(); var log = new SoakLog(Optional.empty())) {
            Question question = new Questions(1, llm.config().vocab(), CONTEXT).question(0).processor(_ -> (_, _, _, _) -> {
                try {
                    release.await();
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            });
            var turns = List.of(new Turn(1, 0, question, Turn.Manner.GENERATE, 0), new Turn(2, 0, question, Turn.Manner.SUBMIT, 0));
            var round = new Round(turns, _ -> {
                throw new IllegalStateException("nobody has an answer");
            }, llm, ends, log, tally, () -> { });
            boolean done;
            try {
                done = round.run(2, 300);
            } finally {
                release.countDown();
            }
            assertFalse(done);
            assertEquals(2, tally.lost());
            assertEquals(0, tally.finished());
        }
        assertEquals(0, ends.open());
    }

    @Test
    void everyMannerIsTakenAndTurnsCanBeRepeated() {
        var questions = new Questions(7, 1000, CONTEXT);
        var again = new Questions(7, 1000, CONTEXT);
        var other = new Questions(8, 1000, CONTEXT);
        var manners = EnumSet.noneOf(Turn.Manner.class);
        int same = 0;
        for (int i = 0; i < 500; i++) {
            Turn turn = Turn.of(7, i, 0, questions, 10, 50);
            Turn repeated = Turn.of(7, i, 0, again, 10, 50);
            assertEquals(turn.question().prompt(), repeated.question().prompt());
            assertEquals(withoutProcessor(turn), withoutProcessor(repeated));
            assertEquals(turn.manner(), repeated.manner());
            assertEquals(turn.amount(), repeated.amount());
            same += turn.question().prompt().equals(Turn.of(8, i, 0, other, 10, 50).question().prompt()) ? 1 : 0;
            manners.add(turn.manner());
        }
        assertEquals(EnumSet.allOf(Turn.Manner.class), manners);
        assertTrue(same < 50, same + " prompts of 500 do not depend on the seed");
    }

    /** Settings but for the processor, which is a new object each time. */
    private static String withoutProcessor(Turn turn) {
        return turn.question().settings().toString().replaceAll("logitsProcessor=Optional[^,]*,", "");
    }

    @Test
    void memoryThatGrowsIsNoticed() {
        double[] steady = {50, 80, 100, 101, 100, 102, 101, 100, 103, 102};
        double[] growing = {50, 80, 100, 102, 104, 106, 108, 110, 112, 114};
        assertTrue(new MemoryTrend(steady, 1).tells() && new MemoryTrend(steady, 1).flat());
        assertTrue(new MemoryTrend(growing, 1).tells() && !new MemoryTrend(growing, 1).flat());
        assertTrue(new MemoryTrend(growing, 20).flat());
        assertFalse(new MemoryTrend(new double[] {1, 2, 3}, 1).tells());
        assertFalse(new MemoryTrend(new double[] {1, 2, 3, 4, 5, 6, 7, Double.NaN}, 1).tells());
    }

    @Test
    void differencesAreFound() throws Exception {
        try (LLM llm = demo().maxContext(CONTEXT).open()) {
            var questions = new Questions(3, llm.config().vocab(), CONTEXT);
            for (int i = 0; i < 6; i++) {
                Question q = questions.question(i);
                RequestOutput alone = Soloist.of(llm).answer(q);
                Turn good = new Turn(1, 0, q, Turn.Manner.GENERATE, 0);
                assertEquals(Optional.empty(), problem(good, alone, alone));
                assertTrue(problem(good, withOutput(alone, o -> copy(o, o.text(), changed(o.tokenIds()), o.logprobs(), o.finishReason())),
                        alone).isPresent());
                assertTrue(problem(good, withOutput(alone, o -> copy(o, o.text() + " ", o.tokenIds(), o.logprobs(), o.finishReason())),
                        alone).isPresent());
                assertTrue(problem(good, withOutput(alone, o -> copy(o, o.text(), o.tokenIds(), changed(o.logprobs()), o.finishReason())),
                        alone).isPresent());
                RequestOutput cut = withOutput(alone, o -> copy(o, "", new int[0], List.of(), FinishReason.CANCELLED));
                assertTrue(problem(good, cut, alone).isPresent());
                assertEquals(Optional.empty(), problem(new Turn(1, 0, q, Turn.Manner.CANCEL, 0), cut, alone));
                assertTrue(problem(new Turn(1, 0, q, Turn.Manner.FAIL, 0), alone, alone).isPresent());
                assertTrue(problem(new Turn(1, 0, q, Turn.Manner.NONSENSE, 0), alone, alone).isPresent());
                var answer = new Answer(new Turn(1, 0, q, Turn.Manner.STREAM, 0), Optional.of(alone),
                        List.of(new Piece(0, "never said", Optional.of(new TokenLogprobs(5, 0, new int[0], new float[0])))), 0);
                assertTrue(Checker.problem(answer, alone).isPresent());
            }
        }
    }

    /** A search that was cancelled when it had finished texts enough, but not the best ones. */
    @Test
    void aSearchMayBeCutShortWithTextsThatAreWhole() throws Exception {
        try (LLM llm = demo().maxContext(CONTEXT).open()) {
            var questions = new Questions(3, llm.config().vocab(), CONTEXT);
            Question q = IntStream.range(0, 100).mapToObj(questions::question).filter(Question::searched).findFirst().orElseThrow();
            RequestOutput alone = Soloist.of(llm).answer(q);
            RequestOutput worse = withOutput(alone, o -> new CompletionOutput(o.index(), "x", new int[] {5},
                    List.of(o.logprobs().getFirst()), -1, OptionalDouble.of(o.score().getAsDouble() - 1), FinishReason.STOP,
                    Optional.empty()));
            assertEquals(Optional.empty(), problem(new Turn(1, 0, q, Turn.Manner.CANCEL, 0), worse, alone));
            assertTrue(problem(new Turn(1, 0, q, Turn.Manner.GENERATE, 0), worse, alone).isPresent());
            RequestOutput better = withOutput(worse, o -> new CompletionOutput(o.index(), "x", o.tokenIds(), o.logprobs(), -1,
                    OptionalDouble.of(alone.outputs().getFirst().score().getAsDouble() + 1), FinishReason.STOP, Optional.empty()));
            assertTrue(problem(new Turn(1, 0, q, Turn.Manner.CANCEL, 0), better, alone).isPresent());
        }
    }

    private static Optional<String> problem(Turn turn, RequestOutput output, RequestOutput alone) {
        return Checker.problem(new Answer(turn, Optional.of(output), List.of(), 0), alone);
    }

    /** The result with another first output. */
    private static RequestOutput withOutput(RequestOutput r, UnaryOperator<CompletionOutput> change) {
        var outputs = new ArrayList<>(r.outputs());
        outputs.set(0, change.apply(outputs.getFirst()));
        return new RequestOutput(r.requestId(), r.prompt(), r.promptTokenIds(), r.promptLogprobs(), outputs, r.metrics(), r.error());
    }

    private static CompletionOutput copy(CompletionOutput o, String text, int[] ids, List<TokenLogprobs> logprobs, FinishReason reason) {
        return new CompletionOutput(o.index(), text, ids, logprobs, o.cumulativeLogprob(), o.score(), reason, o.stopReason());
    }

    private static int[] changed(int[] ids) {
        int[] other = ids.clone();
        other[other.length - 1]++;
        return other;
    }

    private static List<TokenLogprobs> changed(List<TokenLogprobs> logprobs) {
        var other = new ArrayList<>(logprobs);
        TokenLogprobs last = other.removeLast();
        other.add(new TokenLogprobs(last.id(), Math.nextUp(last.logprob()), last.topIds(), last.topLogprobs()));
        return other;
    }
}
