package io.jllm;

import io.jllm.chat.AnswerPart;
import java.util.Iterator;
import java.util.concurrent.CompletableFuture;

/**
 * The answer to a conversation, part by part as it comes. Iterate it once, on any one thread; as {@link TokenStream}, a reader that falls behind
 * pauses its own request, and where nobody reads, nothing is paused. Closing it early cancels the request.
 */
public interface ChatStream extends Iterable<AnswerPart>, AutoCloseable {
    /**
     * Waits for one part after the other. It throws what the request failed with; interrupted while it waits, it cancels the request and throws
     * {@link java.util.concurrent.CancellationException}.
     *
     * @throws IllegalStateException if the stream is being read or was read already
     */
    @Override
    Iterator<AnswerPart> iterator();

    /** The whole answer, once it is there: the same parts, with the same ids of calls. */
    CompletableFuture<ChatOutput> result();

    /** The request behind it: its number, progress, and cancelling. */
    RequestHandle request();

    /** Cancels the request if it still runs. */
    @Override
    void close();
}
