package io.jllm.examples.cli.command;

/** One command, filled with its options. */
@FunctionalInterface
public interface Action {
    void run() throws Exception;
}
