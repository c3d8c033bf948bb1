package io.jllm;

import java.time.Duration;

/**
 * Is told what an engine does, as it does it: for logs, metrics and traces of an application. Give it to
 * {@link LlmBuilder#listener}; for polled counts there is {@link LLM#metrics}.
 *
 * <p>Called on the engine's thread, one call after the other, and {@link #refused} alone on the thread of the caller that is
 * refused, possibly by several at once. All requests wait while a method runs: return at once, and do not wait for the LLM in
 * it, but {@link LLM#metrics}, starting requests and {@link LLM#close} are fine. What a method throws is logged, the first time
 * of each listener as a warning, and touches neither requests nor other listeners. Without listeners nothing is spent on them.
 *
 * <p>Of each request it hears {@link #queued}, then, unless it ends before, {@link #started} and {@link #firstToken}, and at last
 * {@link #finished}, each once; or {@link #refused} alone. Requests have numbers, {@link RequestOutput#requestId}.
 */
public interface EngineListener {
    /**
     * The engine has taken a request in.
     *
     * @param promptTokens tokens of its prompt
     */
    default void queued(long requestId, int promptTokens) {
    }

    /**
     * A request is in a step for the first time.
     *
     * @param cachedTokens tokens of its prompt that the prefix cache had
     */
    default void started(long requestId, int cachedTokens) {
    }

    /**
     * Tokens of a request were found in the prefix cache: when it joined the batch, for the first time or again, or while its prompt
     * was computed, since another request had computed the same meanwhile.
     *
     * @param tokens how many need not be computed, at least 1
     */
    default void prefixCacheHit(long requestId, int tokens) {
    }

    /** A request got its first token. */
    default void firstToken(long requestId) {
    }

    /** Sequences of a request were put back to make room for others; what they had computed will be computed again. */
    default void preempted(long requestId) {
    }

    /** A request has ended, however. Its caller gets the result after this call. */
    default void finished(RequestOutput output) {
    }

    /**
     * A request was turned away before the engine took it in, for the reason in {@link RequestOutput#error}: it can never be
     * computed, or the queue is full and its caller does not wait.
     */
    default void refused(RequestOutput output) {
    }

    /**
     * A step has been planned and is computed now, and the one before it is over. Some devices began with it before that: what is told of its plan,
     * such as {@link #started} and {@link #preempted}, may then come before this.
     *
     * @param number as in {@link Step#number}
     */
    default void stepStarted(long number) {
    }

    /** A step is over, and its tokens are delivered. A step that failed is not told of, only the requests that it took along. */
    default void step(Step step) {
    }

    /**
     * What a step did.
     *
     * @param number steps of this engine are numbered from 1, without those that failed
     * @param sequences sequences that it computed tokens of
     * @param tokens tokens put through the model, the sum of the next two
     * @param prefillTokens those of prompts, and those computed again after a preemption
     * @param decodeTokens newest tokens of sequences that had nothing else to compute
     * @param running sequences in the batch after it
     * @param waiting sequences that wait for room after it
     * @param kvBlocks KV blocks in all
     * @param usedKvBlocks KV blocks held by sequences after it
     * @param unfilledKv which part of the positions in those blocks holds no keys and values yet, 0 to 1: blocks are taken for a whole prompt, and
     *     the last one is filled token by token
     * @param kvBytes bytes that KV pages take now, as in {@link MemoryReport#kv}
     * @param schedule time to plan it
     * @param forward time of the forward pass, copies of blocks included; of a device that computes by itself, the time to give it the pass
     * @param deliver time to draw tokens, or to wait for a device that does, to turn them into text and to hand them out
     */
    record Step(long number, int sequences, int tokens, int prefillTokens, int decodeTokens, int running, int waiting, int kvBlocks,
                int usedKvBlocks, double unfilledKv, long kvBytes, Duration schedule, Duration forward, Duration deliver) {
    }
}
