package io.jllm.examples.cli.output;

/** A command did what it was asked, and what it found is bad: the message says what. Exit code 1. */
public final class Failed extends RuntimeException {
    private static final long serialVersionUID = 1;

    public Failed(String message) {
        super(message);
    }
}
