package io.jllm;

import java.util.Iterator;
import java.util.Optional;
import java.util.concurrent.Flow;

/**
 * A request's text, piece by piece as it is decoded. Read it once: iterate it on any one thread, or subscribe to it.
 *
 * <p>Between the engine and the reader is a small buffer. A reader that falls behind pauses its own request, no other. Where nobody
 * reads, nothing is paused, and {@link #result} comes as for any request.
 *
 * <p>Closing it early cancels the request and frees its memory between two steps.
 */
public interface TokenStream extends RequestHandle, Iterable<TokenStream.Piece>, Flow.Publisher<TokenStream.Piece>, AutoCloseable {
    /**
     * Waits for one piece after the other. It throws what the request failed with; interrupted while it waits, it cancels the request
     * and throws {@link java.util.concurrent.CancellationException}.
     *
     * @throws IllegalStateException if the stream is being read or was read already
     */
    @Override
    Iterator<Piece> iterator();

    /**
     * Passes the pieces on to a subscriber, as {@link Flow} describes: no more than it asked for, one call at a time, never on
     * the engine's thread, and {@code onComplete} at the end, or {@code onError} with what the request failed with. Cancelling the
     * subscription cancels the request; so does a subscriber that throws. A second reader gets {@code onError} with an
     * {@link IllegalStateException}, and the first goes on undisturbed.
     */
    @Override
    void subscribe(Flow.Subscriber<? super Piece> subscriber);

    /** {@link #cancel Cancels} the request if it still runs. */
    @Override
    void close();

    /**
     * What came with one token, or at the end.
     *
     * @param index which of the request's sequences
     * @param text more text; may be empty, never a broken code point
     * @param token the token, with the alternatives that {@link SamplingParams#logprobs} asks for; empty for text that was held back until the end
     */
    record Piece(int index, String text, Optional<TokenLogprobs> token) {
        /** The token's id; -1 without a token. */
        public int tokenId() {
            return token.map(TokenLogprobs::id).orElse(-1);
        }

        /** The token's log-probability; NaN without a token. */
        public float logprob() {
            return token.map(TokenLogprobs::logprob).orElse(Float.NaN);
        }
    }
}
