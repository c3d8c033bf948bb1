package io.jllm.examples.cli.bench;

import io.jllm.LLM;
import io.jllm.RequestOutput;
import io.jllm.TokenStream;
import io.jllm.examples.cli.options.Asked;
import io.jllm.examples.cli.output.Results;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.LongStream;

/**
 * Callers that ask again as soon as they are answered, as the users of a service do, or who come at random times and ask once; every one in a thread
 * of its own.
 */
public final class Clients {
    private final LLM llm;

    /** Callers of that model. */
    Clients(LLM llm) {
        this.llm = llm;
    }

    /**
     * How they were served, by their own clocks.
     *
     * @param requests how many were answered
     * @param promptTokens tokens of all prompts, but for those that the prefix cache had
     * @param generatedTokens tokens of all outputs
     * @param seconds from the first question to the last answer
     * @param firstToken nanoseconds from asking to the first piece of text, for each request that is drawn
     * @param interToken nanoseconds between the tokens of each output that is alone in its request
     */
    public record Served(int requests, long promptTokens, long generatedTokens, double seconds, long[] firstToken, long[] interToken) {
        /** Nothing yet. */
        public static final Served NONE = new Served(0, 0, 0, 0, new long[0], new long[0]);

        /** These and those, one after the other. */
        public Served and(Served next) {
            return new Served(requests + next.requests, promptTokens + next.promptTokens, generatedTokens + next.generatedTokens,
                    seconds + next.seconds, join(firstToken, next.firstToken), join(interToken, next.interToken));
        }

        private static long[] join(long[] a, long[] b) {
            return LongStream.concat(LongStream.of(a), LongStream.of(b)).toArray();
        }
    }

    /** One caller's clock and counts. */
    private final class Caller {
        private final LongStream.Builder firstToken = LongStream.builder();
        private final LongStream.Builder interToken = LongStream.builder();
        private int requests;
        private long promptTokens;
        private long generatedTokens;

        Caller run(Queue<Asked> work) throws ExecutionException, InterruptedException {
            for (Asked asked = work.poll(); asked != null; asked = work.poll()) {
                RequestOutput output = Results.good(switch (asked) {
                    case Asked.Drawn d -> read(d);
                    case Asked.Searched s -> llm.beamSearch(List.of(s.prompt()), s.params()).getFirst();
                });
                requests++;
                promptTokens += output.metrics().promptTokens() - output.metrics().cachedTokens();
                generatedTokens += output.outputs().stream().mapToInt(o -> o.tokenIds().length).sum();
            }
            return this;
        }

        private RequestOutput read(Asked.Drawn asked) throws ExecutionException, InterruptedException {
            boolean alone = asked.request().params().n() == 1;
            long last = System.nanoTime();
            boolean first = true;
            try (TokenStream stream = llm.stream(asked.request())) {
                for (TokenStream.Piece piece : stream) {
                    long now = System.nanoTime();
                    if (first) {
                        firstToken.add(now - last);
                    } else if (alone && piece.tokenId() >= 0) {
                        interToken.add(now - last);
                    }
                    first = false;
                    last = now;
                }
                return stream.result().get();
            }
        }
    }

    /** When somebody asks, and what. */
    @FunctionalInterface
    private interface Arrivals {
        /** Starts the callers, each at its time. */
        void start(Consumer<Queue<Asked>> caller) throws InterruptedException;
    }

    /**
     * Has one caller come for each request, at random times: the gaps between them are exponential, as where many ask who know nothing of each
     * other. Who comes does not wait for those before to be answered.
     *
     * @param rate requests a second, in the mean
     */
    Served arrive(List<Asked> requests, double rate, SplittableRandom random) throws ExecutionException, InterruptedException {
        return serve(caller -> {
            long start = System.nanoTime();
            double due = 0;
            for (Asked asked : requests) {
                due += -Math.log1p(-random.nextDouble()) / rate;
                for (long wait = start + (long) (due * 1e9) - System.nanoTime(); wait > 0; wait = start + (long) (due * 1e9) - System.nanoTime()) {
                    TimeUnit.NANOSECONDS.sleep(wait);
                }
                caller.accept(new ArrayDeque<>(List.of(asked)));
            }
        });
    }

    /**
     * Has all of them ask until nothing is left to ask.
     *
     * @param work what each of them asks; several may take from one queue that threads can share
     */
    Served serve(List<? extends Queue<Asked>> work) throws ExecutionException, InterruptedException {
        return serve(caller -> work.forEach(caller));
    }

    private Served serve(Arrivals arrivals) throws ExecutionException, InterruptedException {
        var callers = new ArrayList<Caller>();
        long start = System.nanoTime();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var running = new ArrayList<Future<Caller>>();
            try {
                arrivals.start(own -> running.add(threads.submit(() -> new Caller().run(own))));
                for (Future<Caller> caller : running) {
                    callers.add(caller.get());
                }
            } finally {
                threads.shutdownNow(); // where one failed, the others need not go on
            }
        }
        double seconds = (System.nanoTime() - start) / 1e9;
        return new Served(callers.stream().mapToInt(c -> c.requests).sum(), callers.stream().mapToLong(c -> c.promptTokens).sum(),
                callers.stream().mapToLong(c -> c.generatedTokens).sum(), seconds,
                callers.stream().flatMapToLong(c -> c.firstToken.build()).toArray(),
                callers.stream().flatMapToLong(c -> c.interToken.build()).toArray());
    }
}
