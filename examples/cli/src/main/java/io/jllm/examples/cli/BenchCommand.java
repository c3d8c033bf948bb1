package io.jllm.examples.cli;

import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import io.jllm.LLM;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.function.DoubleSupplier;
import java.util.stream.DoubleStream;
import me.tongfei.progressbar.ProgressBar;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Measures speed. */
@Command(name = "bench", description = {"Measures tokens a second as llama-bench and llama-batched-bench define them:",
    "pp of prompts, tg of generation, each the median of some repetitions."})
final class BenchCommand implements Cli.Action {
    private static final int MOST_SEQUENCES = 256;

    @Mixin
    private ModelOptions model;

    @Option(names = "--prompt-tokens", paramLabel = "N", defaultValue = "512",
            description = "Tokens of a prompt; 0: no pp (default: ${DEFAULT-VALUE}).")
    private int promptTokens;

    @Option(names = "--generate-tokens", paramLabel = "N", defaultValue = "128",
            description = "Tokens generated; 0: no tg (default: ${DEFAULT-VALUE}).")
    private int generateTokens;

    @Option(names = "--batch", paramLabel = "B", defaultValue = "1",
            description = "Sequences at once (default: ${DEFAULT-VALUE}).")
    private int batch;

    @Option(names = "--depth", paramLabel = "D", defaultValue = "0",
            description = "Tokens that come before what is measured (default: ${DEFAULT-VALUE}).")
    private int depth;

    @Option(names = "--repetitions", paramLabel = "R", defaultValue = "5",
            description = "How often each is measured (default: ${DEFAULT-VALUE}).")
    private int repetitions;

    @Option(names = "--json",
            description = "Print one line of JSON; \"first_token_ms\" is of the first request of all, with 8 tokens.")
    private boolean json;

    private final Console console;

    BenchCommand(Console console) {
        this.console = console;
    }

    /** What was measured; a speed that was not asked for is absent. */
    private record Figures(OptionalDouble pp, OptionalDouble tg, double loadMillis, double firstTokenMillis) {
    }

    @Override
    public void run() throws IOException {
        inRange("--prompt-tokens", promptTokens, 0, Integer.MAX_VALUE / 4);
        inRange("--generate-tokens", generateTokens, 0, Integer.MAX_VALUE / 4);
        inRange("--batch", batch, 1, MOST_SEQUENCES);
        inRange("--depth", depth, 0, Integer.MAX_VALUE / 4);
        inRange("--repetitions", repetitions, 1, 10_000);
        long start = System.nanoTime();
        try (LLM llm = ModelOptions.open(model.builder().maxSequences(Math.max(batch, 64)), console)) {
            double loadMillis = (System.nanoTime() - start) / 1e6;
            var bench = new Bench(llm, batch, depth);
            bench.checkContext(promptTokens, generateTokens);
            double firstTokenMillis = bench.firstToken() * 1e3;
            Figures figures;
            int measurements = (promptTokens > 0 ? repetitions + 1 : 0) + (generateTokens > 0 ? repetitions + 1 : 0);
            try (ProgressBar bar = console.progress("measuring", measurements)) {
                figures = new Figures(
                        promptTokens == 0 ? OptionalDouble.empty() : median(() -> bench.prompt(promptTokens), bar),
                        generateTokens == 0 ? OptionalDouble.empty() : median(() -> bench.generation(generateTokens), bar),
                        loadMillis, firstTokenMillis);
            }
            if (llm.metrics().preemptions() > 0) {
                console.say("llm: warning: the KV cache was too small for this batch: sequences were put back "
                        + llm.metrics().preemptions() + " times, and the figures include that");
            }
            print(figures, llm);
        }
    }

    private static void inRange(String option, int value, int least, int most) {
        if (value < least || value > most) {
            throw new BadInput(option + " must be in " + least + " to " + most + ", was " + value);
        }
    }

    /** The middle of several measurements, after one that only warms up. */
    private OptionalDouble median(DoubleSupplier measurement, ProgressBar bar) {
        measurement.getAsDouble();
        bar.step();
        double[] sorted = DoubleStream.generate(() -> {
            double value = measurement.getAsDouble();
            bar.step();
            return value;
        }).limit(repetitions).sorted().toArray();
        return OptionalDouble.of((sorted[(repetitions - 1) / 2] + sorted[repetitions / 2]) / 2);
    }

    private void print(Figures figures, LLM llm) throws IOException {
        if (json) {
            console.out().println(Json.line(json(figures, llm)));
            return;
        }
        String at = (depth > 0 ? " after " + depth + " tokens" : "") + (batch > 1 ? ", " + batch + " sequences at once" : "");
        figures.pp().ifPresent(v -> printf("pp%-6d %10.2f tokens/s%s", promptTokens, v, at));
        figures.tg().ifPresent(v -> printf("tg%-6d %10.2f tokens/s%s", generateTokens, v, at));
        printf("load     %10.0f ms", figures.loadMillis());
        printf("first token %7.0f ms", figures.firstTokenMillis());
        OptionalDouble peak = peakRssMib();
        if (peak.isPresent()) {
            printf("peak RSS %10.0f MiB", peak.getAsDouble());
        }
    }

    private void printf(String format, Object... values) {
        console.out().println(String.format(Locale.ROOT, format, values));
    }

    private JsonObject json(Figures figures, LLM llm) throws IOException {
        var result = new JsonObject();
        result.add("pp", rounded(figures.pp()));
        result.add("tg", rounded(figures.tg()));
        result.addProperty("batch", batch);
        result.addProperty("depth", depth);
        result.add("load_ms", Json.rounded(figures.loadMillis()));
        result.add("first_token_ms", Json.rounded(figures.firstTokenMillis()));
        result.add("peak_rss_mib", rounded(peakRssMib()));
        result.addProperty("backend", model.backendName());
        result.addProperty("kernels", llm.kernels());
        return result;
    }

    private static JsonElement rounded(OptionalDouble value) {
        return value.isPresent() ? Json.rounded(value.getAsDouble()) : JsonNull.INSTANCE;
    }

    /** Most physical memory that this process has held, mapped files included; only Linux says. */
    private static OptionalDouble peakRssMib() throws IOException {
        Path status = Path.of("/proc/self/status");
        if (!Files.isReadable(status)) {
            return OptionalDouble.empty();
        }
        return Files.readAllLines(status).stream()
                .filter(line -> line.startsWith("VmHWM:"))
                .mapToDouble(line -> Long.parseLong(line.replaceAll("\\D", "")) / 1024.0)
                .findFirst();
    }
}
