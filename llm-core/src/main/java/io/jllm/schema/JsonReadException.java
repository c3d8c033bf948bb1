package io.jllm.schema;

/** A text that is not JSON, or not a value of the type that was asked for. The message names the place as a path ({@code $.items[2].price}). */
public final class JsonReadException extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    public JsonReadException(String message) {
        super(message);
    }

    public JsonReadException(String message, Throwable cause) {
        super(message, cause);
    }
}
