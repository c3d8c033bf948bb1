package io.jllm.examples.cli.command;

import com.google.gson.JsonObject;
import io.jllm.LLM;
import io.jllm.TokenStream;
import io.jllm.examples.cli.options.ModelOptions;
import io.jllm.examples.cli.options.Texts;
import io.jllm.examples.cli.output.BadInput;
import io.jllm.examples.cli.output.Console;
import io.jllm.examples.cli.output.Json;
import io.jllm.examples.cli.output.Results;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Locale;
import me.tongfei.progressbar.ProgressBar;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Measures how well a model foresees a text. */
@Command(name = "perplexity", description = {"Measures how well a model foresees a text, as llama-perplexity does:",
    "windows of --context tokens (default 512), the second half of each scored."})
public final class PerplexityCommand implements Action {
    private static final int DEFAULT_WINDOW = 512;
    private static final int SMALLEST_WINDOW = 4;
    /** Enough to keep an engine's steps full, few enough to wait for little after Ctrl-C. */
    private static final int IN_FLIGHT = 4;

    @Mixin
    private ModelOptions model;

    @Option(names = "--text", paramLabel = "F", required = true, description = "The text.")
    private Path text;

    @Option(names = "--json", description = "Print one line of JSON; \"tokens\" counts those scored.")
    private boolean json;

    private final Console console;

    public PerplexityCommand(Console console) {
        this.console = console;
    }

    @Override
    public void run() throws Exception {
        String content = Texts.read(text);
        if (model.context().isPresent() && model.context().getAsInt() < SMALLEST_WINDOW) {
            throw new BadInput("--context must be at least " + SMALLEST_WINDOW + " here, was " + model.context().getAsInt());
        }
        try (LLM llm = model.open(console)) {
            int window = model.context().orElse(Math.min(DEFAULT_WINDOW, llm.maxContext()));
            var windows = PerplexityWindows.of(content, llm.tokenizer(), window);
            double sum = 0;
            try (ProgressBar bar = console.progress("windows", windows.count())) {
                var running = new ArrayDeque<TokenStream>();
                for (int next = 0; next < windows.count() || !running.isEmpty();) {
                    if (next < windows.count() && running.size() < IN_FLIGHT) {
                        running.add(llm.stream(windows.prompt(next++), PerplexityWindows.PARAMS));
                        continue;
                    }
                    try (TokenStream first = running.remove()) {
                        sum += windows.negativeLogLikelihood(Results.good(first.result().get()));
                    }
                    bar.step();
                }
            }
            print(Math.exp(sum / windows.scored()), windows);
        }
    }

    private void print(double perplexity, PerplexityWindows windows) {
        if (json) {
            var result = new JsonObject();
            result.add("perplexity", Json.number(perplexity));
            result.addProperty("tokens", windows.scored());
            console.out().println(Json.line(result));
        } else {
            console.out().println(String.format(Locale.ROOT,
                    "perplexity %.4f of %d tokens (the second halves of %d windows of %d)",
                    perplexity, windows.scored(), windows.count(), windows.size()));
        }
    }
}
