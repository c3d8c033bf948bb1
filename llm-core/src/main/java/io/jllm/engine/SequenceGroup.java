package io.jllm.engine;

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

/**
 * A request inside the engine: its sequences, its reader, and its times. Touched by the engine's thread only, but for
 * {@link #cancel}.
 */
final class SequenceGroup {
    private final long id;
    private final Prompt prompt;
    private final int[] promptIds;
    private final SamplingParams params;
    private final ResultSink sink;
    private final List<TokenLogprobs> promptLogprobs = new ArrayList<>();
    private final long submitted = Clock.nanos();
    private final long deadline;
    private final Sequence sequence;
    private long firstStep;
    private long firstToken;
    private int preemptions;
    private int cachedTokens;
    private boolean done;
    private volatile boolean cancelled;

    SequenceGroup(long id, Prompt prompt, int[] promptIds, SamplingParams params, SequenceSettings settings, Completion completion,
                  ResultSink sink) {
        this.id = id;
        this.prompt = prompt;
        this.promptIds = promptIds;
        this.params = params;
        this.sink = sink;
        deadline = params.timeout().map(t -> submitted + saturated(t)).orElse(Long.MAX_VALUE);
        sequence = new Sequence(this, settings, completion, promptIds);
        if (params.promptLogprobs().isPresent()) {
            promptLogprobs.add(new TokenLogprobs(promptIds[0], Float.NaN, new int[0], new float[0]));
        }
    }

    private static long saturated(Duration timeout) {
        return timeout.compareTo(Duration.ofDays(10_000)) > 0 ? Long.MAX_VALUE / 2 : timeout.toNanos();
    }

    Sequence sequence() {
        return sequence;
    }

    SamplingParams params() {
        return params;
    }

    /** Asks the engine to end it; safe from any thread. */
    void cancel() {
        cancelled = true;
    }

    boolean cancelled() {
        return cancelled;
    }

    /** When its time is up, by {@link Clock}. */
    long deadline() {
        return deadline;
    }

    /** Whether its reader is behind, so that it should not be computed now. */
    boolean paused() {
        return sink.full();
    }

    void scheduled() {
        if (firstStep == 0) {
            firstStep = Clock.nanos();
        }
    }

    /** So many tokens were found in the prefix cache; what a preempted request finds again is not counted. */
    void reused(int tokens) {
        if (firstStep == 0) {
            cachedTokens = tokens;
        }
    }

    void preempted() {
        preemptions++;
    }

    void promptToken(TokenLogprobs token) {
        promptLogprobs.add(token);
    }

    /** Adds a generated token and passes its text on; the completion tells whether it was the last. */
    void token(Sequence s, TokenLogprobs token) {
        if (firstToken == 0) {
            firstToken = Clock.nanos();
        }
        s.append(token.id());
        String text = s.completion().accept(token);
        sink.piece(new TokenStream.Piece(s.completion().index(), text, token.id(), token.logprob()));
    }

    /** Ends it with what there is. */
    void finish(FinishReason reason) {
        Completion c = sequence.completion();
        if (!c.finished()) {
            String text = c.finish(reason, Optional.empty());
            if (!text.isEmpty()) {
                sink.piece(new TokenStream.Piece(c.index(), text, -1, Float.NaN));
            }
        }
        deliver(c.output(), Optional.empty());
    }

    /** Ends it because of an error. */
    void fail(RuntimeException error) {
        Completion c = sequence.completion();
        c.fail();
        deliver(c.output(), Optional.of(error));
    }

    boolean done() {
        return done;
    }

    private void deliver(CompletionOutput output, Optional<RuntimeException> error) {
        done = true;
        long now = Clock.nanos();
        var metrics = new RequestOutput.Metrics(Duration.ofNanos((firstStep == 0 ? now : firstStep) - submitted),
                firstToken == 0 ? Duration.ZERO : Duration.ofNanos(firstToken - submitted), Duration.ofNanos(now - submitted),
                promptIds.length, cachedTokens, output.tokenIds().length, preemptions);
        sink.done(new RequestOutput(id, prompt, promptIds, List.copyOf(promptLogprobs), List.of(output), metrics, error));
    }

    /** The result of a request that never began. */
    static RequestOutput refused(long id, Prompt prompt, int[] promptIds, RuntimeException error) {
        var metrics = new RequestOutput.Metrics(Duration.ZERO, Duration.ZERO, Duration.ZERO, promptIds.length, 0, 0, 0);
        return new RequestOutput(id, prompt, promptIds, List.of(), List.of(Completion.failed()), metrics, Optional.of(error));
    }
}
