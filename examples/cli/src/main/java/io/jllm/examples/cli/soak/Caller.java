package io.jllm.examples.cli.soak;

import io.jllm.LLM;
import io.jllm.LogitsProcessor;
import io.jllm.Request;
import io.jllm.RequestHandle;
import io.jllm.RequestOutput;
import io.jllm.RequestRejectedException;
import io.jllm.TokenStream;
import io.jllm.TokenStream.Piece;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** Asks as a turn says, well-behaved or not, and waits until its request has ended. For one thread at a time. */
final class Caller {
    private static final long PAUSE_MILLIS = 2;

    private final LLM llm;
    private final Ends ends;
    private final ScheduledExecutorService timer;
    private final List<Piece> pieces = new ArrayList<>();
    private int refusals;

    /** @param timer does what must happen after a while */
    Caller(LLM llm, Ends ends, ScheduledExecutorService timer) {
        this.llm = llm;
        this.ends = ends;
        this.timer = timer;
    }

    /** Takes a turn. */
    Answer take(Turn turn) throws InterruptedException, ExecutionException {
        pieces.clear();
        refusals = 0;
        Question q = turn.question();
        Duration time = Duration.ofNanos(turn.amount() * 1000L);
        Optional<RequestOutput> output = switch (turn.manner()) {
            case GENERATE -> Optional.of(generate(q));
            case SUBMIT -> Optional.of(watch(begin(() -> q.submit(llm))));
            case ASYNC -> Optional.of(begin(() -> q.submit(llm)).result().thenApplyAsync(o -> o).get());
            case STREAM, SLOW_STREAM, CLOSE_STREAM -> Optional.of(read(begin(() -> stream(q)), turn));
            case SUBSCRIBE, FAIL_READING -> Optional.of(subscribe(begin(() -> stream(q)), turn));
            case CANCEL -> Optional.of(later(begin(() -> q.submit(llm)), time, RequestHandle::cancel));
            case CANCEL_FUTURE -> Optional.of(later(begin(() -> q.submit(llm)), time, h -> h.result().cancel(true)));
            case INTERRUPT -> interrupted(q, time);
            case TIMEOUT -> Optional.of(generate(q.timeout(time)));
            case FAIL -> Optional.of(generate(q.processor(inner -> failing(inner, turn))));
            case NONSENSE -> Optional.of(begin(() -> q.unintelligible(llm.config().vocab()).submit(llm)).result().get());
        };
        return new Answer(turn, output, List.copyOf(pieces), refusals);
    }

    private static LogitsProcessors.Failing failing(LogitsProcessor inner, Turn turn) {
        if (turn.amount() < 0) {
            throw new LogitsProcessors.Trouble(turn.number());
        }
        return new LogitsProcessors.Failing(inner, turn.number(), turn.amount());
    }

    private RequestOutput generate(Question q) {
        return switch (q.settings()) {
            case Question.Settings.Drawn d -> llm.generate(List.of(new Request(q.prompt(), d.params()))).getFirst();
            case Question.Settings.Searched s -> llm.beamSearch(List.of(q.prompt()), s.params()).getFirst();
        };
    }

    private TokenStream stream(Question q) {
        return switch (q.settings()) {
            case Question.Settings.Drawn d -> llm.stream(q.prompt(), d.params());
            case Question.Settings.Searched _ -> throw new IllegalArgumentException("a search has no stream");
        };
    }

    /** Tries until the queue has room. */
    private <H> H begin(Supplier<H> start) throws InterruptedException {
        while (true) {
            try {
                return start.get();
            } catch (RequestRejectedException e) {
                refusals++;
                Thread.sleep(PAUSE_MILLIS);
            }
        }
    }

    /** Looks how far it is until it has ended. */
    private static RequestOutput watch(RequestHandle handle) throws InterruptedException, ExecutionException {
        int most = 0;
        while (!handle.result().isDone()) {
            RequestHandle.Progress progress = handle.progress();
            if (progress.generatedTokens() < most || progress.computedPromptTokens() > progress.promptTokens()) {
                throw new IllegalStateException("impossible progress: " + progress + " after " + most + " tokens");
            }
            most = progress.generatedTokens();
            Thread.sleep(PAUSE_MILLIS);
        }
        return handle.result().get();
    }

    private RequestOutput read(TokenStream stream, Turn turn) throws InterruptedException, ExecutionException {
        try (stream) {
            for (Piece piece : stream) {
                pieces.add(piece);
                if (turn.manner() == Turn.Manner.CLOSE_STREAM && pieces.size() == turn.amount()) {
                    break;
                }
                if (turn.manner() == Turn.Manner.SLOW_STREAM && pieces.size() == 1) {
                    Thread.sleep(turn.amount());
                }
            }
        } catch (RuntimeException e) {
            // The stream throws what its request failed with, and the result says the same.
            RequestOutput output = stream.result().get();
            if (output.error().filter(same -> same == e).isEmpty()) {
                throw e;
            }
        }
        return stream.result().get();
    }

    private RequestOutput subscribe(TokenStream stream, Turn turn) throws InterruptedException, ExecutionException {
        boolean fails = turn.manner() == Turn.Manner.FAIL_READING;
        var subscriber = new PieceReader(fails ? 1 : turn.amount(), fails ? turn.amount() : Integer.MAX_VALUE);
        stream.subscribe(subscriber);
        if (fails) {
            return stream.result().get();
        }
        Optional<Throwable> failure = subscriber.end().get();
        RequestOutput output = stream.result().get();
        if (!failure.equals(output.error())) {
            throw new IllegalStateException("the subscriber heard of " + failure + ", the result of " + output.error());
        }
        pieces.addAll(subscriber.pieces());
        return output;
    }

    private RequestOutput later(RequestHandle handle, Duration time, Consumer<RequestHandle> action)
            throws InterruptedException, ExecutionException {
        timer.schedule(() -> action.accept(handle), time.toNanos(), TimeUnit.NANOSECONDS);
        RequestOutput output = ends.of(handle.requestId()).get(); // a future that was cancelled holds none
        try {
            handle.result().get();
        } catch (CancellationException e) {
            // as it should be
        }
        return output;
    }

    private Optional<RequestOutput> interrupted(Question q, Duration time) {
        var interruption = new Interruption();
        timer.schedule(interruption::come, time.toNanos(), TimeUnit.NANOSECONDS);
        try {
            return Optional.of(generate(q));
        } catch (CancellationException e) {
            return Optional.empty();
        } finally {
            interruption.forget();
        }
    }

    /** Interrupts the thread that made it, until that has forgotten it. */
    private static final class Interruption {
        private final Thread thread = Thread.currentThread();
        private boolean forgotten;

        synchronized void come() {
            if (!forgotten) {
                thread.interrupt();
            }
        }

        /** From here on it does not come; where it came too late to be noticed, it is as if it had not come. */
        synchronized void forget() {
            forgotten = true;
            Thread.interrupted();
        }
    }
}
