package io.jllm.examples.cli.command;

import io.jllm.LlmBuilder;
import io.jllm.examples.cli.options.ModelChoice;
import io.jllm.examples.cli.output.BadInput;
import io.jllm.examples.cli.output.Console;
import io.jllm.examples.cli.output.Failed;
import io.jllm.examples.cli.output.Json;
import io.jllm.examples.cli.output.Log;
import io.jllm.examples.cli.soak.Soak;
import io.jllm.examples.cli.soak.SoakReport;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import me.tongfei.progressbar.ProgressBar;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Tests an engine under load. */
@Command(name = "soak", description = {"Makes requests of every kind from many threads: long and short, drawn and searched, with several"
    + " outputs, stop strings, log-probabilities, shared beginnings and priorities; with callers that cancel, run out of time, are"
    + " interrupted, read slowly, stop reading, and have logits processors that fail; in too little memory for all of them.", "",
    "Every answer is compared with that to the same question alone: to the last bit, or its beginning where the request was cut short."
        + " After each of ten rounds no KV page may be held, and memory must stay flat from round to round. Exit code 1 if anything"
        + " was lost, wrong or left."})
public final class SoakCommand implements Action {
    private static final int ROUNDS = 10;
    private static final int DEFAULT_CONTEXT = 256;
    private static final int LEAST_CONTEXT = 32;

    @Mixin
    private SoakModelOptions model;

    @Option(names = "--requests", paramLabel = "N", defaultValue = "10000", description = "How many (default: ${DEFAULT-VALUE}).")
    private int requests;

    @Option(names = "--threads", paramLabel = "T", defaultValue = "32",
            description = "Threads that make them, one at a time each; every other one is virtual (default: ${DEFAULT-VALUE}).")
    private int threads;

    @Option(names = "--seed", paramLabel = "S", defaultValue = "1",
            description = "Decides what is asked, and how (default: ${DEFAULT-VALUE}).")
    private long seed;

    @Option(names = "--log", paramLabel = "F", description = "Write a line of JSON to this file for each request and each round.")
    private Optional<Path> log = Optional.empty();

    @Option(names = "--json", description = "Print one line of JSON.")
    private boolean json;

    private final Console console;

    public SoakCommand(Console console) {
        this.console = console;
    }

    /** Threads are those that ask here; those that compute have another name. */
    private static final class SoakModelOptions extends ModelChoice {
        @Option(names = "--compute-threads", paramLabel = "N", description = "Threads that compute (default: one for each core).")
        private Optional<Integer> computeThreads = Optional.empty();

        @Override
        protected LlmBuilder builder() {
            LlmBuilder builder = chosen();
            computeThreads.ifPresent(builder::threads);
            return builder;
        }
    }

    @Override
    public void run() throws IOException, InterruptedException {
        inRange("--requests", requests, 1, 100_000_000);
        inRange("--threads", threads, 1, 10_000);
        int context = model.context().orElse(DEFAULT_CONTEXT);
        inRange("--context", context, LEAST_CONTEXT, Integer.MAX_VALUE);
        var options = new Soak.Options(requests, threads, Math.min(ROUNDS, requests), seed, context, log);
        SoakReport report;
        Log.withoutWarnings();
        try (ProgressBar bar = console.progress("soaking", requests)) {
            report = Soak.run(model::builder, options, bar::step);
        }
        List<String> complaints = report.complaints();
        if (json) {
            console.out().println(Json.line(report.json()));
        } else {
            report.json().asMap().forEach((name, value) -> console.out().println(name.replace('_', ' ') + ": " + value));
        }
        console.out().flush();
        if (!complaints.isEmpty()) {
            throw new Failed(String.join("; ", complaints) + log.map(f -> " (see the lines with \"wrong\" in " + f + ")").orElse(""));
        }
    }

    private static void inRange(String option, int value, int least, int most) {
        if (value < least || value > most) {
            throw new BadInput(option + " must be in " + least + " to " + most + ", was " + value);
        }
    }
}
