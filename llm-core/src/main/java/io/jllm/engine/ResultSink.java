package io.jllm.engine;

import io.jllm.RequestOutput;
import io.jllm.TokenStream;

/** Where the engine delivers a request's text and result. Called by the engine's thread; must not wait. */
interface ResultSink {
    /** More text. */
    void piece(TokenStream.Piece piece);

    /** The end; called exactly once, after the last piece. */
    void done(RequestOutput output);

    /** Whether the reader is so far behind that the request should rest. */
    boolean full();
}
