package io.jllm.engine.sequence;

import io.jllm.CompletionOutput;
import io.jllm.FinishReason;
import io.jllm.Prompt;
import io.jllm.RequestOutput;
import io.jllm.SamplingParams;
import io.jllm.TokenLogprobs;
import io.jllm.TokenStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * A request inside the engine: its units of sequences, its reader, and its times. Touched by the engine's thread only, but for
 * {@link #cancel}.
 */
public final class SequenceGroup {
    private final long id;
    private final Prompt prompt;
    private final int[] promptIds;
    private final SamplingParams params;
    private final ChosenAdapter adapter;
    private final ResultSink sink;
    private final List<TokenLogprobs> promptLogprobs = new ArrayList<>();
    private final long submitted = Clock.nanos();
    private final long deadline;
    private final List<? extends SchedulingUnit> units;
    private long firstStep;
    private long firstToken;
    private long lastToken;
    private LatencyHistogram gaps; // null before its second token
    private RequestEvents events; // null before it is in the engine
    private int preemptions;
    private int cachedTokens;
    private int generated;
    private int computedPrompt;
    private boolean done;
    private volatile boolean cancelled;

    /**
     * @param params the request's, as far as sampled sequences and beams have the same
     * @param adapter what it is computed with
     * @param units makes the units, at least one; the first computes the prompt
     */
    public SequenceGroup(long id, Prompt prompt, int[] promptIds, SamplingParams params, ChosenAdapter adapter,
            Function<SequenceGroup, List<? extends SchedulingUnit>> units, ResultSink sink) {
        this.id = id;
        this.prompt = prompt;
        this.promptIds = promptIds;
        this.params = params;
        this.adapter = adapter;
        this.sink = sink;
        deadline = params.timeout().map(t -> submitted + saturated(t)).orElse(Long.MAX_VALUE);
        if (params.promptLogprobs().isPresent()) {
            promptLogprobs.add(new TokenLogprobs(promptIds[0], Float.NaN, new int[0], new float[0]));
        }
        this.units = units.apply(this);
    }

    private static long saturated(Duration timeout) {
        return timeout.compareTo(Duration.ofDays(10_000)) > 0 ? Long.MAX_VALUE / 2 : timeout.toNanos();
    }

    /** Its units, those included that have not branched off yet or have ended; the first leads. */
    public List<? extends SchedulingUnit> units() {
        return units;
    }

    public long id() {
        return id;
    }

    public int[] promptIds() {
        return promptIds;
    }

    public SamplingParams params() {
        return params;
    }

    /** What it is computed with. */
    public ChosenAdapter adapter() {
        return adapter;
    }

    /** Its tokens' keys and values serve only requests that say the same here. */
    public String cacheKey() {
        return adapter.id() + ":" + params.cacheSalt(); // no two pairs make the same text
    }

    /** Asks the engine to end it; safe from any thread. */
    public void cancel() {
        cancelled = true;
    }

    public boolean cancelled() {
        return cancelled;
    }

    /** When its time is up, by {@link Clock}. */
    public long deadline() {
        return deadline;
    }

    /** Whether its reader is behind, so that it should not be computed now. */
    public boolean paused() {
        return sink.full();
    }

    /** The engine has taken it in. */
    public void enter(RequestEvents ofEngine) {
        events = ofEngine;
        events.queued(this);
    }

    public void scheduled() {
        if (firstStep == 0) {
            firstStep = Clock.nanos();
            events.started(this, cachedTokens);
        }
    }

    /** So many tokens, or none, were found in the prefix cache; what a preempted request finds again is not counted. */
    public void reused(int tokens) {
        if (tokens > 0) {
            cachedTokens += preemptions == 0 ? tokens : 0;
            events.cacheHit(this, tokens);
        }
    }

    /** One of its units has joined the batch. */
    public void admitted() {
        sink.admitted();
    }

    public void preempted() {
        preemptions++;
        events.preempted(this);
        sink.preempted();
    }

    public void promptToken(TokenLogprobs token) {
        promptLogprobs.add(token);
    }

    /** A step that ended at this time, by {@link Clock}, gave it a token, or one to each beam. */
    public void generated(long now) {
        generated++;
        if (firstToken == 0) {
            firstToken = now;
            events.firstToken(this);
        } else if (now != lastToken) {
            gaps = gaps == null ? new LatencyHistogram() : gaps;
            gaps.add(now - lastToken);
        }
        lastToken = now;
    }

    /** Makes known how far it is after a step, unless it has ended. */
    public void progressed(Sequence s) {
        if (!done) {
            computedPrompt = Math.min(s.computed(), promptIds.length);
            sink.progressed(computedPrompt, generated);
        }
    }

    /** Passes text on to the reader. */
    void piece(TokenStream.Piece piece) {
        sink.piece(piece);
    }

    /** Ends it with what there is. */
    public void finish(FinishReason reason) {
        try {
            units.forEach(u -> u.finish(reason));
            deliver(output(Optional.empty()));
        } catch (Throwable t) {
            fail(Failures.asRuntime(t)); // text is made by a tokenizer that may be an application's
        }
    }

    /** Ends it because of an error. */
    public void fail(RuntimeException error) {
        RequestOutput output;
        try {
            units.forEach(SchedulingUnit::fail);
            output = output(Optional.of(error));
        } catch (Throwable t) {
            error.addSuppressed(t);
            output = refused(id, prompt, promptIds, error);
        }
        deliver(output);
    }

    public boolean done() {
        return done;
    }

    private void deliver(RequestOutput output) {
        if (!done) {
            done = true;
            sink.progressed(generated > 0 ? promptIds.length : computedPrompt, generated);
            try {
                events.finished(output);
            } finally {
                sink.done(output);
            }
        }
    }

    private RequestOutput output(Optional<RuntimeException> error) {
        long now = Clock.nanos();
        List<CompletionOutput> outputs = units.stream().flatMap(u -> u.outputs().stream()).toList();
        var metrics = new RequestOutput.Metrics(Duration.ofNanos((firstStep == 0 ? now : firstStep) - submitted),
                firstToken == 0 ? Duration.ZERO : Duration.ofNanos(firstToken - submitted),
                Optional.ofNullable(gaps).map(LatencyHistogram::percentiles), Duration.ofNanos(now - submitted),
                promptIds.length, cachedTokens, outputs.stream().mapToInt(o -> o.tokenIds().length).sum(), preemptions);
        return new RequestOutput(id, prompt, promptIds, List.copyOf(promptLogprobs), outputs, metrics, error);
    }

    /** The result of a request that could not begin. */
    public static RequestOutput refused(long id, Prompt prompt, int[] promptIds, RuntimeException error) {
        return empty(id, prompt, promptIds, FinishReason.ERROR, Optional.of(error));
    }

    /** The result of a request that the engine's end came before. */
    public static RequestOutput tooLate(long id, Prompt prompt) {
        return empty(id, prompt, new int[0], FinishReason.CANCELLED, Optional.empty());
    }

    private static RequestOutput empty(long id, Prompt prompt, int[] promptIds, FinishReason reason, Optional<RuntimeException> error) {
        var metrics = new RequestOutput.Metrics(Duration.ZERO, Duration.ZERO, Optional.empty(), Duration.ZERO,
                promptIds.length, 0, 0, 0);
        return new RequestOutput(id, prompt, promptIds, List.of(), List.of(Completion.empty(reason)), metrics, error);
    }
}
