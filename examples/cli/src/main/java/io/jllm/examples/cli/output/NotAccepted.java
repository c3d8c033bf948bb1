package io.jllm.examples.cli.output;

/** A text was looked at and is not what was asked about. Exit code 3. */
public final class NotAccepted extends RuntimeException {
    private static final long serialVersionUID = 1;

    public NotAccepted(String message) {
        super(message);
    }
}
