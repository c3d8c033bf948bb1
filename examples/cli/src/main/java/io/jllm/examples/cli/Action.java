package io.jllm.examples.cli;

/** One command, filled with its options. */
@FunctionalInterface
interface Action {
    void run() throws Exception;
}
