package io.jllm.examples.cli.bench;

import io.jllm.LLM;
import io.jllm.Prompt;
import io.jllm.Request;
import io.jllm.SamplingParams;
import io.jllm.examples.cli.options.Asked;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Queue;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.stream.Stream;

/**
 * What callers get who share one engine, measured where they stand: every one asks through the API, reads its text as it comes, and
 * asks again. Times include all that lies between a caller and the model.
 */
public final class ServingBench {
    private final LLM llm;
    private final Clients clients;
    private final SplittableRandom random = new SplittableRandom(1);
    /** What stands before all that a caller asks, for each of them. */
    private final List<int[]> before;

    /** Of that many callers, with that many tokens before what is measured, which the prefix cache has then. */
    public ServingBench(LLM llm, int clients, int depth) {
        this.llm = llm;
        this.clients = new Clients(llm);
        before = Stream.generate(() -> ids(depth)).limit(clients).toList();
    }

    /** Has everybody ask once, so that what they have in common with nobody is computed, and code is warm. */
    public void warmUp(int promptTokens, int tokens) throws ExecutionException, InterruptedException {
        clients.serve(each(1, ids -> request(join(ids, ids(Math.max(1, promptTokens))), Math.max(1, tokens))));
    }

    /** Each asks so often for the first token after new tokens. */
    public Clients.Served prompts(int tokens, int repetitions) throws ExecutionException, InterruptedException {
        return clients.serve(each(repetitions, ids -> request(join(ids, ids(tokens)), 1)));
    }

    /** Each asks so often for many tokens, after one new one. */
    public Clients.Served generation(int tokens, int repetitions) throws ExecutionException, InterruptedException {
        return clients.serve(each(repetitions, ids -> request(join(ids, ids(1)), tokens)));
    }

    /**
     * All of them together ask what was recorded, each the next request that nobody has asked yet. What an earlier time left in the
     * prefix cache is forgotten.
     */
    public Clients.Served recorded(List<Asked> requests) throws ExecutionException, InterruptedException {
        llm.resetPrefixCache();
        return clients.serve(Collections.nCopies(before.size(), new ConcurrentLinkedQueue<>(requests)));
    }

    /** The same requests at random times, so many a second in the mean, whoever is still to be answered then. */
    public Clients.Served arriving(List<Asked> requests, double rate) throws ExecutionException, InterruptedException {
        llm.resetPrefixCache();
        return clients.arrive(requests, rate, random);
    }

    @FunctionalInterface
    private interface Question {
        Asked after(int[] before);
    }

    private List<Queue<Asked>> each(int repetitions, Question question) {
        var work = new ArrayList<Queue<Asked>>();
        for (int[] ids : before) {
            work.add(new ArrayDeque<>(Stream.generate(() -> question.after(ids)).limit(repetitions).toList()));
        }
        return work;
    }

    private int[] ids(int count) {
        return random.ints(count, 0, llm.config().vocab()).toArray();
    }

    private static int[] join(int[] a, int[] b) {
        int[] ids = Arrays.copyOf(a, a.length + b.length);
        System.arraycopy(b, 0, ids, a.length, b.length);
        return ids;
    }

    private static Asked request(int[] ids, int tokens) {
        return new Asked.Drawn(new Request(Prompt.ofTokens(ids),
                SamplingParams.greedy().toBuilder().maxTokens(tokens).ignoreEos(true).build()));
    }
}
