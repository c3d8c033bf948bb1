package io.jllm.examples.cli.output;

/** What the user gave cannot be used: the message says what and why. Exit code 2. */
public final class BadInput extends RuntimeException {
    private static final long serialVersionUID = 1;

    public BadInput(String message) {
        super(message);
    }

    public BadInput(String message, Throwable cause) {
        super(message, cause);
    }
}
