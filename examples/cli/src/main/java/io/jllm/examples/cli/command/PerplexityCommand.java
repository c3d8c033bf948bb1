package io.jllm.examples.cli.command;

import com.google.gson.JsonObject;
import io.jllm.LLM;
import io.jllm.TokenStream;
import io.jllm.examples.cli.options.ModelName;
import io.jllm.examples.cli.options.ModelOptions;
import io.jllm.examples.cli.options.Texts;
import io.jllm.examples.cli.output.BadInput;
import io.jllm.examples.cli.output.Console;
import io.jllm.examples.cli.output.Json;
import io.jllm.examples.cli.output.Results;
import io.jllm.examples.cli.perplexity.BaseFile;
import io.jllm.examples.cli.perplexity.Divergence;
import io.jllm.examples.cli.perplexity.PerplexityWindows;
import io.jllm.examples.cli.perplexity.RowPass;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import me.tongfei.progressbar.ProgressBar;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Measures how well a model foresees a text, or how far it is from another one that a file is of. */
@Command(name = "perplexity", description = {"Measures how well a model foresees a text, as llama-perplexity does:",
    "windows of --context tokens (default 512), the second half of each scored."})
public final class PerplexityCommand implements Action {
    private static final int DEFAULT_WINDOW = 512;
    private static final int SMALLEST_WINDOW = 4;
    /** Enough to keep an engine's steps full, few enough to wait for little after Ctrl-C. */
    private static final int IN_FLIGHT = 4;

    @Mixin
    private ModelOptions model;

    @Option(names = "--text", paramLabel = "F", description = "The text; with --kl-divergence it is the file's.")
    private Optional<Path> text = Optional.empty();

    @Option(names = "--chunks", paramLabel = "N", description = "Windows at most (default: all).")
    private Optional<Integer> chunks = Optional.empty();

    @Option(names = "--kl-divergence-base", paramLabel = "FILE", description = {"Write the log-probabilities of all tokens to this file, "
        + "as llama-perplexity does: twice the vocabulary in bytes for each scored token."})
    private Optional<Path> base = Optional.empty();

    @Option(names = "--kl-divergence", description = "Compare with the log-probabilities in that file, which llama-perplexity may have written.")
    private boolean compare;

    @Option(names = "--json", description = "Print one line of JSON; \"tokens\" counts those scored.")
    private boolean json;

    private final Console console;

    public PerplexityCommand(Console console) {
        this.console = console;
    }

    @Override
    public void run() throws Exception {
        if (chunks.isPresent() && chunks.get() < 1) {
            throw new BadInput("--chunks must be at least 1, was " + chunks.get());
        }
        if (compare) {
            compare();
        } else {
            measure();
        }
    }

    private void measure() throws Exception {
        String content = Texts.read(text.orElseThrow(() -> new BadInput("--text is missing: the file with the text")));
        if (model.context().isPresent() && model.context().getAsInt() < SMALLEST_WINDOW) {
            throw new BadInput("--context must be at least " + SMALLEST_WINDOW + " here, was " + model.context().getAsInt());
        }
        if (base.isPresent() && Files.exists(base.get()) && !Files.isRegularFile(base.get())) {
            throw new BadInput("cannot write " + base.get() + ": it is no plain file");
        }
        try (LLM llm = model.open(console)) {
            int window = model.context().orElse(Math.min(DEFAULT_WINDOW, llm.maxContext()));
            var windows = PerplexityWindows.of(content, llm.tokenizer(), window, chunks.orElse(Integer.MAX_VALUE));
            try (ProgressBar bar = console.progress("windows", windows.count())) {
                double sum = base.isPresent() ? RowPass.write(llm, windows, base.get(), bar::step) : sum(llm, windows, bar);
                print(Math.exp(sum / windows.scored()), windows);
            }
        }
    }

    private static double sum(LLM llm, PerplexityWindows windows, ProgressBar bar) throws InterruptedException, ExecutionException {
        double sum = 0;
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
        return sum;
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

    private void compare() throws IOException {
        Path path = base.orElseThrow(() -> new BadInput("--kl-divergence needs --kl-divergence-base FILE, the base to compare with"));
        if (text.isPresent() || chunks.isPresent() || model.context().isPresent()) {
            throw new BadInput("--kl-divergence takes text and context from " + path + ": leave --text, --chunks and --context out");
        }
        ModelName.checkPlain(path, "there is no file ");
        BaseFile.open(path, PerplexityWindows.bos(model.tokenizer())).close(); // before a model is loaded for nothing
        try (LLM llm = model.open(console); BaseFile file = BaseFile.open(path, PerplexityWindows.bos(llm.tokenizer()));
                ProgressBar bar = console.progress("windows", file.windows().count())) {
            Divergence divergence = RowPass.compare(llm, file, bar::step);
            console.out().println(json ? Json.line(json(divergence)) : text(divergence));
        }
    }

    private static JsonObject json(Divergence d) {
        var result = new JsonObject();
        result.add("perplexity", Json.number(d.perplexity()));
        result.addProperty("tokens", d.count());
        result.add("base_perplexity", Json.number(d.basePerplexity()));
        result.add("log_perplexity_ratio", Json.number(d.logRatio().value()));
        result.add("log_perplexity_ratio_error", Json.number(d.logRatio().error()));
        result.add("kl_divergence", Json.number(d.mean().value()));
        result.add("kl_divergence_error", Json.number(d.mean().error()));
        result.add("kl_divergence_median", Json.number(d.quantile(0.5)));
        result.add("kl_divergence_p90", Json.number(d.quantile(0.9)));
        result.add("kl_divergence_p99", Json.number(d.quantile(0.99)));
        result.add("kl_divergence_max", Json.number(d.quantile(1)));
        result.add("same_top", Json.number(d.sameTop().value()));
        result.add("same_top_error", Json.number(d.sameTop().error()));
        result.add("p_difference_rms", Json.number(d.rmsDifference()));
        return result;
    }

    private static String text(Divergence d) {
        return String.format(Locale.ROOT, """
                perplexity %.4f of %d tokens, base %.4f, ln of their ratio %.6f ± %.6f
                KL divergence: mean %.6f ± %.6f, median %.6f, 90 %% %.6f, 99 %% %.6f, maximum %.6f
                same likeliest token: %.3f ± %.3f %%; probability of the text's token differs by %.3f %% (root of the mean square)""",
                d.perplexity(), d.count(), d.basePerplexity(), d.logRatio().value(), d.logRatio().error(),
                d.mean().value(), d.mean().error(), d.quantile(0.5), d.quantile(0.9), d.quantile(0.99), d.quantile(1),
                100 * d.sameTop().value(), 100 * d.sameTop().error(), 100 * d.rmsDifference());
    }
}
