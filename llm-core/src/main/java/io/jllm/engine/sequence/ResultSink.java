package io.jllm.engine.sequence;

import io.jllm.RequestOutput;
import io.jllm.TokenStream;

/** Where the engine delivers a request's text and result. Called by the engine's thread; must not wait. */
public interface ResultSink {
    /** It has joined the batch, for the first time or again. */
    void admitted();

    /** It was put back to make room for others. */
    void preempted();

    /**
     * How far it is after a step.
     *
     * @param promptTokens tokens of the prompt that are computed
     * @param generatedTokens tokens generated, over all sampled outputs or of one beam
     */
    void progressed(int promptTokens, int generatedTokens);

    /** More text. */
    void piece(TokenStream.Piece piece);

    /** The end; called exactly once, after the last piece. */
    void done(RequestOutput output);

    /** Whether the reader is so far behind that the request should rest. Safe for all threads. */
    boolean full();
}
