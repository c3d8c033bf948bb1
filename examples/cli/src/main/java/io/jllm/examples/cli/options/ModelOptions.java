package io.jllm.examples.cli.options;

import io.jllm.LlmBuilder;
import java.util.Optional;
import picocli.CommandLine.Option;

/** Options of every command that runs a model for one user. */
public class ModelOptions extends ModelChoice {
    @Option(names = "--threads", paramLabel = "N", description = "Threads that compute (default: one for each core).")
    private Optional<Integer> threads = Optional.empty();

    @Override
    public LlmBuilder builder() {
        LlmBuilder builder = chosen();
        threads.ifPresent(builder::threads);
        return builder;
    }
}
