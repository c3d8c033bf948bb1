package io.jllm.examples.cli.options;

import io.jllm.LlmBuilder;
import io.jllm.SamplingParams;
import java.util.Optional;
import picocli.CommandLine.Option;

/** Options of commands that generate with a model, and with an adapter of it if need be. */
public final class AdaptedModelOptions extends ModelOptions {
    @Option(names = {"--adapter", "--lora-modules"}, paramLabel = "[NAME=]DIR|FILE", description = "Generate with this adapter (LoRA): a folder as peft"
            + " writes it, or a GGUF file (default: none).")
    private Optional<String> typed = Optional.empty();

    @Override
    public LlmBuilder builder() {
        LlmBuilder builder = super.builder();
        typed.map(AdapterPlace::of).ifPresent(a -> builder.adapter(a.name(), a.path()));
        return builder;
    }

    /** Settings with the adapter. */
    public SamplingParams adapted(SamplingParams params) {
        return typed.map(AdapterPlace::of).map(a -> params.toBuilder().adapter(a.name()).build()).orElse(params);
    }
}
