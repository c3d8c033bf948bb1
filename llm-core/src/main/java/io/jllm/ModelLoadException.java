package io.jllm;

import io.jllm.quant.FormatException;

/** A model that cannot be loaded: what was wrong, the value, the limit, and what to do. */
public final class ModelLoadException extends RuntimeException {
    private static final long serialVersionUID = 1;
    private static final int MAX_MESSAGE = 4000;

    /** With a message for people; made one line, as it may quote what is in a broken file. */
    public ModelLoadException(String message) {
        super(FormatException.oneLine(message, MAX_MESSAGE));
    }

    /** With a message for people, made one line, and what led to it. */
    public ModelLoadException(String message, Throwable cause) {
        super(FormatException.oneLine(message, MAX_MESSAGE), cause);
    }
}
