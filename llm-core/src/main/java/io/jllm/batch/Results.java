package io.jllm.batch;

import java.util.Iterator;

/**
 * Results of requests that are read little by little: for files and partitions of any size, in bounded memory.
 *
 * {@snippet :
 * try (Results<RequestOutput> results = llm.generate(requests.iterator())) {
 *     while (results.hasNext()) {
 *         write(results.next());
 *     }
 * }
 * }
 *
 * <p><b>Order.</b> One result for each request, in the order of the requests, however the engine ends them.
 *
 * <p><b>Memory.</b> At most a window of requests is begun and not yet taken by {@link #next}: eight times
 * {@link io.jllm.LlmBuilder#maxSequences}, so that the batch stays full behind an answer that is much longer than others. Nothing is read
 * beyond it and nothing kept of what was taken. So a reader that is slow, or stops, holds back the source and no other request. Of the window no
 * more wait in the queue than can run at once, which leaves room to others; where the queue is full of them, {@code next} waits for room.
 *
 * <p><b>Failures.</b> A request that fails is a value, as in any call. What the source throws, or a request that is misuse (as {@code null}),
 * comes as an exception in its place: behind the results of the requests before it; then there is nothing more. Where the LLM is
 * closed, requests that are begun give what there was, and then {@code next} throws {@link IllegalStateException}, if the source has more.
 *
 * <p><b>Threads.</b> For one thread at a time, {@link #close} for any. The source is read, and prompts are encoded, on the thread that
 * calls {@code next}, which begins what there is room for first: a source that waits holds up results that are there already; where that
 * matters, {@link io.jllm.LLM#submit submit}. No thread runs for it, and one that is dropped unread leaves its window to end by itself.
 *
 * @param <T> a result
 */
public interface Results<T> extends Iterator<T>, AutoCloseable {
    /**
     * Whether there is more: a request that is begun, or one of the source. False once it is closed.
     *
     * @throws RuntimeException what the source throws, if no request before is left
     */
    @Override
    boolean hasNext();

    /**
     * Waits for the next result.
     *
     * @throws java.util.NoSuchElementException if there is no more, or it is closed
     * @throws java.util.concurrent.CancellationException if the thread is interrupted, or this is closed meanwhile; what runs is cancelled
     * @throws IllegalStateException on the engine's thread; or if the LLM is closed and the source has more
     */
    @Override
    T next();

    /** Cancels what is begun and not taken, and frees its memory between two steps. The source is left where it is. Again, it does nothing. */
    @Override
    void close();
}
