package io.jllm;

import java.util.concurrent.CompletableFuture;

/**
 * A request's text, piece by piece as it is decoded. Iterate it once, on any one thread: the iterator waits for the next
 * piece, and throws what the request failed with. A reader that falls behind pauses its own request, no other.
 *
 * <p>Closing it early cancels the request and frees its memory between two steps.
 */
public interface TokenStream extends Iterable<TokenStream.Piece>, AutoCloseable {
    /** The whole result, once it is there. Cancelling it cancels the request. */
    CompletableFuture<RequestOutput> result();

    /** Cancels the request if it still runs. */
    @Override
    void close();

    /**
     * What came with one token, or at the end.
     *
     * @param index which of the request's sequences
     * @param text more text; may be empty, never a broken code point
     * @param tokenId the token; -1 for text that was held back until the end
     * @param logprob the token's log-probability; NaN without a token
     */
    record Piece(int index, String text, int tokenId, float logprob) {
    }
}
