package io.jllm.examples.cli.soak;

import com.google.gson.JsonObject;
import io.jllm.EngineMetrics;
import io.jllm.FinishReason;
import io.jllm.LLM;
import io.jllm.LlmBuilder;
import io.jllm.RequestOutput;
import io.jllm.examples.cli.output.ResidentMemory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * Asks an engine with too little memory for what it is asked, round after round, and compares every answer. The questions of a round
 * are asked alone first, of a second LLM that does nothing else.
 */
public final class Soak {
    /** How often a question is asked in a round, on average: in several manners, beside other neighbours. */
    private static final int TURNS_A_QUESTION = 5;
    /** Pages for so many of the longest sequences, which the largest request takes. */
    private static final int FULL_SEQUENCES = 4;
    private static final int MAX_SEQUENCES = 24;
    private static final int MAX_TOKENS_PER_STEP = 80;
    private static final int MAX_QUEUED = 20;
    private static final long PATIENCE_MILLIS = 60_000;
    private static final double HEAP_SLACK_MIB = 3;
    private static final double NATIVE_SLACK_MIB = 12;

    private final Options options;
    private final Soloist soloist;
    private final LLM llm;
    private final Ends ends;
    private final SoakLog log;
    private final Runnable tick;
    private final Tally tally = new Tally();
    private final double[] heap;
    private final double[] anonymous;
    private int leakedPages;
    private double seconds;
    private long tokens;
    private int rounds;
    private boolean stuck;

    /**
     * What to do.
     *
     * @param requests how many, in all
     * @param threads how many ask at a time; every other one is a virtual thread
     * @param rounds how many, each of which ends when all its requests have
     * @param seed decides what is asked, and how
     * @param context most tokens of a sequence, at least 32
     * @param log the file to write a line to for each request and round
     */
    public record Options(int requests, int threads, int rounds, long seed, int context, Optional<Path> log) {
    }

    private Soak(Options options, Soloist soloist, LLM llm, Ends ends, SoakLog log, Runnable tick) {
        this.options = options;
        this.soloist = soloist;
        this.llm = llm;
        this.ends = ends;
        this.log = log;
        this.tick = tick;
        heap = new double[options.rounds()];
        anonymous = new double[options.rounds()];
    }

    /**
     * Soaks.
     *
     * @param loading prepares to load the model; called twice
     * @param tick called for each request that has ended, on any thread
     */
    public static SoakReport run(Supplier<LlmBuilder> loading, Options options, Runnable tick) throws IOException, InterruptedException {
        return run(loading, options, tick, Soloist::of);
    }

    /** The same with other ideas of what is right. */
    static SoakReport run(Supplier<LlmBuilder> loading, Options options, Runnable tick, Function<LLM, Soloist> soloists)
            throws IOException, InterruptedException {
        Set<Thread> before = Threads.all();
        var ends = new Ends();
        Soak soak;
        LlmBuilder quiet = loading.get().maxContext(options.context()).maxSequences(MAX_SEQUENCES).prefixCache(false);
        try (SoakLog log = new SoakLog(options.log()); LLM alone = quiet.open()) {
            long page = alone.config().kvFloatsPerToken() * Float.BYTES;
            LlmBuilder busy = loading.get().maxContext(options.context()).maxSequences(MAX_SEQUENCES)
                    .maxTokensPerStep(MAX_TOKENS_PER_STEP).maxQueuedRequests(MAX_QUEUED)
                    .kvCache(page * options.context() * FULL_SEQUENCES).listener(ends);
            LLM llm = busy.open();
            soak = new Soak(options, soloists.apply(alone), llm, ends, log, tick);
            try {
                log.line(soak.header());
                soak.rounds();
            } finally {
                if (!soak.stuck) {
                    llm.close(); // it waits for the engine, which must not stand still
                }
            }
        }
        return soak.report(Threads.left(before).stream().map(Thread::getName).toList());
    }

    private JsonObject header() {
        var json = new JsonObject();
        json.addProperty("requests", options.requests());
        json.addProperty("threads", options.threads());
        json.addProperty("rounds", options.rounds());
        json.addProperty("seed", options.seed());
        json.addProperty("context", options.context());
        json.addProperty("model", llm.describe());
        json.addProperty("kv_blocks", llm.metrics().kvBlocks());
        json.addProperty("jdk", Runtime.version().toString());
        return json;
    }

    private void rounds() throws InterruptedException {
        var questions = new Questions(options.seed(), llm.config().vocab(), options.context());
        for (int r = 0; r < options.rounds() && !stuck; r++) {
            int first = (int) ((long) options.requests() * r / options.rounds());
            int count = (int) ((long) options.requests() * (r + 1) / options.rounds()) - first;
            int questionCount = Math.max(1, count / TURNS_A_QUESTION);
            int firstQuestion = first / TURNS_A_QUESTION + r;
            var answers = new ArrayList<RequestOutput>();
            for (int i = 0; i < questionCount; i++) {
                answers.add(soloist.answer(questions.question(firstQuestion + i)));
            }
            var turns = new ArrayList<Turn>();
            for (int i = first; i < first + count; i++) {
                turns.add(Turn.of(options.seed(), i, r, questions, firstQuestion, questionCount));
            }
            // What a processor may look at, other code sums up, so the last bit of a log-probability may differ from that without one.
            var processed = new HashMap<Integer, RequestOutput>();
            for (Turn t : turns) {
                if (t.manner() == Turn.Manner.FAIL) {
                    processed.computeIfAbsent(t.question().number(), n -> soloist.answer(questions.question(n).processor(own -> own)));
                }
            }
            long start = System.nanoTime();
            long tokensBefore = llm.metrics().generatedTokens();
            stuck = !new Round(turns, t -> t.manner() == Turn.Manner.FAIL ? processed.get(t.question().number())
                    : answers.get(t.question().number() - firstQuestion), llm, ends, log, tally, tick).run(options.threads(), PATIENCE_MILLIS);
            double lasted = (System.nanoTime() - start) / 1e9;
            seconds += lasted;
            tokens += llm.metrics().generatedTokens() - tokensBefore;
            endRound(r, lasted);
        }
    }

    private void endRound(int round, double lasted) throws InterruptedException {
        EngineMetrics metrics = llm.metrics();
        leakedPages += metrics.usedKvBlocks();
        ends.forget();
        for (int i = 0; i < 3; i++) {
            System.gc();
            Thread.sleep(50); // cleaners work in the background
        }
        Runtime runtime = Runtime.getRuntime();
        heap[round] = (runtime.totalMemory() - runtime.freeMemory()) / (double) (1 << 20);
        anonymous[round] = ResidentMemory.anonymousMib().orElse(Double.NaN);
        rounds = round + 1;
        var json = new JsonObject();
        json.addProperty("round_ended", round);
        json.addProperty("seconds", lasted);
        json.addProperty("finished", tally.finished());
        json.addProperty("lost", tally.lost());
        json.addProperty("wrong", tally.wrong());
        json.addProperty("used_pages", metrics.usedKvBlocks());
        json.addProperty("preemptions", metrics.preemptions());
        json.addProperty("cached_tokens", metrics.cachedTokens());
        json.addProperty("heap_mib", heap[round]);
        if (Double.isFinite(anonymous[round])) {
            json.addProperty("rss_anon_mib", anonymous[round]);
        }
        log.line(json);
    }

    private SoakReport report(List<String> left) {
        EngineMetrics metrics = llm.metrics();
        return new SoakReport(options.requests(), tally.finished(), Math.max(tally.lost(), Math.toIntExact(ends.again() + ends.open())),
                tally.wrong(),
                leakedPages, left, tokens, seconds, metrics.preemptions(), metrics.cachedTokens(), tally.refusals(),
                metrics.finishedBy().get(FinishReason.CANCELLED), metrics.finishedBy().get(FinishReason.ERROR),
                new MemoryTrend(Arrays.copyOf(heap, rounds), HEAP_SLACK_MIB),
                new MemoryTrend(Arrays.copyOf(anonymous, rounds), NATIVE_SLACK_MIB));
    }
}
