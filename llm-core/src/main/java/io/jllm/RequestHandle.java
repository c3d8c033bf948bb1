package io.jllm;

import java.util.concurrent.CompletableFuture;

/**
 * A request that was accepted: there before its first token, and safe for all threads. Dropping it changes nothing; the request
 * runs on.
 */
public interface RequestHandle {
    /** A number that no other request of the same LLM has; see {@link RequestOutput#requestId}. */
    long requestId();

    /**
     * The whole result, once it is there; the same future at each call. A request that fails gives a result, too; see
     * {@link RequestOutput#error}. It never completes on the engine's thread, so what depends on it may take its time.
     *
     * <p>Cancelling the future, or completing it in any other way ({@link CompletableFuture#orTimeout} does), cancels the request.
     * Futures derived from it do not: cancel this one.
     */
    CompletableFuture<RequestOutput> result();

    /**
     * Ends the request between two steps, if it still runs, and frees its memory. Returns at once; {@link #result} gets what there
     * was, with {@link FinishReason#CANCELLED}. Calling it again does nothing.
     */
    void cancel();

    /** How far the request is, as of the last step. */
    Progress progress();

    /**
     * How far a request is.
     *
     * @param state what is being done about it
     * @param promptTokens tokens of the prompt; 0 if it could not be encoded
     * @param computedPromptTokens how many of them are computed or were found in the prefix cache; falls back to 0 when the request
     *     is put back to make room for others
     * @param generatedTokens tokens generated so far, over all outputs; while a beam search runs, those of one beam
     */
    record Progress(State state, int promptTokens, int computedPromptTokens, int generatedTokens) {
        /** What is being done about a request. */
        public enum State {
            /** It waits for a place in the batch. */
            QUEUED,
            /** It has a place in the batch. */
            RUNNING,
            /** It rests: its reader is behind, or it was put back to make room for others. It goes on by itself. */
            PAUSED,
            /** It has ended, however. */
            FINISHED
        }
    }
}
