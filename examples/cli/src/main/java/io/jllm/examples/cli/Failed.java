package io.jllm.examples.cli;

/** A command did what it was asked, and what it found is bad: the message says what. Exit code 1. */
final class Failed extends RuntimeException {
    private static final long serialVersionUID = 1;

    Failed(String message) {
        super(message);
    }
}
