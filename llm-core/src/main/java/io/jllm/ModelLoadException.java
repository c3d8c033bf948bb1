package io.jllm;

/** A model that cannot be loaded: what was wrong, the value, the limit, and what to do. */
public final class ModelLoadException extends RuntimeException {
    private static final long serialVersionUID = 1;

    /** With a message for people. */
    public ModelLoadException(String message) {
        super(message);
    }

    /** With a message for people, and what led to it. */
    public ModelLoadException(String message, Throwable cause) {
        super(message, cause);
    }
}
