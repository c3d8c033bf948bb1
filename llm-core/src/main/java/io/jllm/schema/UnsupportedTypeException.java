package io.jllm.schema;

/** A Java type that has no JSON schema here. The message names the type, where it stands, and what to use instead. */
public final class UnsupportedTypeException extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    public UnsupportedTypeException(String message) {
        super(message);
    }
}
