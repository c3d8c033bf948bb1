package io.jllm.hub;

/** A model could not be found or fetched; the message says what, why and what to do. What was fetched so far is kept, and taken up again. */
public final class HubException extends RuntimeException {
    private static final long serialVersionUID = 1;

    /** With a sentence for people. */
    public HubException(String message) {
        super(message);
    }

    /** With a sentence for people, and what it comes from. */
    public HubException(String message, Throwable cause) {
        super(message, cause);
    }
}
