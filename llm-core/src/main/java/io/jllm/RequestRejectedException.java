package io.jllm;

/**
 * A request that was refused because too many wait already; see {@link LlmBuilder#maxQueuedRequests}. Nothing of it was begun. Try
 * again later, or call {@link LLM#generate(java.util.List)}, which waits for room.
 */
public final class RequestRejectedException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final int waiting;
    private final int limit;

    /**
     * With a message for people.
     *
     * @param waiting requests that wait
     * @param limit how many may wait
     */
    public RequestRejectedException(String message, int waiting, int limit) {
        super(message);
        this.waiting = waiting;
        this.limit = limit;
    }

    /** How many requests waited for a place in the batch. */
    public int waiting() {
        return waiting;
    }

    /** How many may wait. */
    public int limit() {
        return limit;
    }
}
