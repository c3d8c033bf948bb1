package io.jllm.chat.tools;

import io.jllm.chat.Answer;
import io.jllm.chat.Message;
import io.jllm.chat.ToolCall;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Function;

/**
 * Lets a model answer with the help of tools: it answers, the tools that it calls are run, their results are given to it, and so on until it answers
 * without calls. Immutable; as thread-safe as its tools.
 *
 * @param tools what it may call
 * @param maxRounds how often tools are run at most; at least 1. Small models may call tools without an end
 * @param parallel whether the calls of one answer are run at the same time, each on a virtual thread; else one after the other on the caller's.
 *        Their results come in the order of the calls in any case
 */
public record Conversation(Tools tools, int maxRounds, boolean parallel) {
    private static final int DEFAULT_ROUNDS = 16;

    /** Why it came to its end. */
    public enum End {
        /** The model answered without calls. */
        ANSWERED,
        /** The model still calls tools after the last round that is allowed. Its last calls are not run. */
        MAX_ROUNDS,
        /** The answer ended in the midst of a call, most often by the limit of tokens. */
        UNFINISHED_CALL
    }

    /**
     * What was said.
     *
     * @param messages those at the beginning, and after them the model's and the tools'
     * @param answer the model's last
     * @param rounds how often tools were run
     */
    public record Transcript(List<Message> messages, Answer answer, End end, int rounds) {
        public Transcript {
            messages = List.copyOf(messages);
        }
    }

    public Conversation {
        Objects.requireNonNull(tools, "tools");
        if (maxRounds < 1) {
            throw new IllegalArgumentException("maxRounds must be at least 1, is " + maxRounds);
        }
    }

    /** With at most 16 rounds, one call after the other. */
    public static Conversation with(Tools tools) {
        return new Conversation(tools, DEFAULT_ROUNDS, false);
    }

    /** The same with another limit. */
    public Conversation withMaxRounds(int rounds) {
        return new Conversation(tools, rounds, parallel);
    }

    /** The same with the calls of an answer run at the same time. */
    public Conversation inParallel() {
        return new Conversation(tools, maxRounds, true);
    }

    /**
     * Runs it to its end.
     *
     * @param beginning the messages so far, the last of which the model is to answer
     * @param model answers messages; what it throws ends the conversation
     */
    public Transcript run(List<Message> beginning, Function<List<Message>, Answer> model) {
        var messages = new ArrayList<>(beginning);
        for (int round = 0;; round++) {
            Answer answer = model.apply(List.copyOf(messages));
            messages.add(answer.toMessage());
            if (answer.unfinished().isPresent()) {
                return new Transcript(messages, answer, End.UNFINISHED_CALL, round);
            }
            if (answer.toolCalls().isEmpty()) {
                return new Transcript(messages, answer, End.ANSWERED, round);
            }
            if (round == maxRounds) {
                return new Transcript(messages, answer, End.MAX_ROUNDS, round);
            }
            List<ToolCall> calls = answer.toolCalls();
            messages.addAll(parallel && calls.size() > 1 ? atOnce(calls) : calls.stream().map(tools::call).toList());
        }
    }

    private static Message result(Future<Message> future, ExecutorService executor) throws ExecutionException, InterruptedException {
        try {
            return future.get();
        } catch (ExecutionException | InterruptedException e) {
            executor.shutdownNow(); // the others are not waited for longer than it takes them to see it
            throw e;
        }
    }

    private List<Message> atOnce(List<ToolCall> calls) {
        try (var executor = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<Message>> futures = calls.stream().map(c -> executor.submit((Callable<Message>) () -> tools.call(c))).toList();
            var results = new ArrayList<Message>();
            for (var future : futures) {
                results.add(result(future, executor));
            }
            return results;
        } catch (ExecutionException e) {
            if (e.getCause() instanceof Error error) {
                throw error;
            }
            throw new IllegalStateException("a tool's call ended without a result", e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while tools were running", e);
        }
    }
}
