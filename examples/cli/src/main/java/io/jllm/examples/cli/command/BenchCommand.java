package io.jllm.examples.cli.command;

import com.google.gson.JsonObject;
import io.jllm.LLM;
import io.jllm.SamplingParams;
import io.jllm.examples.cli.bench.Bench;
import io.jllm.examples.cli.bench.BenchFigures;
import io.jllm.examples.cli.bench.Clients;
import io.jllm.examples.cli.bench.KvUse;
import io.jllm.examples.cli.bench.Profile;
import io.jllm.examples.cli.bench.RequestLines;
import io.jllm.examples.cli.bench.ServingBench;
import io.jllm.examples.cli.options.Asked;
import io.jllm.examples.cli.options.ModelOptions;
import io.jllm.examples.cli.output.BadInput;
import io.jllm.examples.cli.output.Console;
import io.jllm.examples.cli.output.Json;
import io.jllm.examples.cli.output.ResidentMemory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.ExecutionException;
import java.util.function.DoubleSupplier;
import java.util.stream.DoubleStream;
import me.tongfei.progressbar.ProgressBar;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Measures speed. */
@Command(name = "bench", description = {"Measures tokens a second as llama-bench and llama-batched-bench define them:",
    "pp of prompts, tg of generation, each the median of some repetitions.", "",
    "With --clients, pp and tg are what so many callers get together, each in a thread of its own, who ask again as soon as they are"
        + " answered; their waiting counts, from asking to the last token. First tokens are then timed after the prompts of pp, and"
        + " inter-token times are those of tg.", "",
    "With --requests, the callers ask what a file holds, a JSON object a line. Its keys are options of 'llm run' with underscores"
        + " instead of hyphens: prompt, prompt_file or ids (an array), max_tokens, temperature, top_k, top_p, min_p, seed, stop (a text"
        + " or an array), min_tokens, ignore_eos, logprobs, n, beams and the others. {\"prompt\":\"Once\",\"max_tokens\":64,"
        + "\"ignore_eos\":true} is a line. With as many callers as requests all are asked at once, and the time is that of the whole. With"
        + " --rate nobody asks twice: a caller comes for each request, at random times that are the same in every run."})
public final class BenchCommand implements Action {
    private static final int MOST_SEQUENCES = 256;
    private static final int MOST_CLIENTS = 4096;
    private static final int MOST_RATE = 10_000;
    private static final int MOST_TOKENS = Integer.MAX_VALUE / 4;

    @Mixin
    private ModelOptions model;

    @Option(names = "--prompt-tokens", paramLabel = "N", description = "Tokens of a prompt; 0: no pp (default: 512).")
    private Optional<Integer> promptTokens = Optional.empty();

    @Option(names = "--generate-tokens", paramLabel = "N", description = "Tokens generated; 0: no tg (default: 128).")
    private Optional<Integer> generateTokens = Optional.empty();

    @Option(names = "--batch", paramLabel = "B", description = "Sequences at once (default: 1).")
    private Optional<Integer> batch = Optional.empty();

    @Option(names = "--depth", paramLabel = "D", description = "Tokens that come before what is measured (default: 0).")
    private Optional<Integer> depth = Optional.empty();

    @Option(names = "--clients", paramLabel = "C", description = "Measure what C callers get (default with --requests: 1).")
    private Optional<Integer> clients = Optional.empty();

    @Option(names = "--requests", paramLabel = "FILE.jsonl", description = "What the callers ask.")
    private Optional<Path> requests = Optional.empty();

    @Option(names = "--rate", paramLabel = "R", description = "Ask what --requests holds at random times, R requests a second in the mean"
            + " (exponential gaps), instead of by --clients.")
    private Optional<Double> rate = Optional.empty();

    @Option(names = "--repetitions", paramLabel = "R", defaultValue = "5",
            description = "How often each is measured, or asked by each caller, or the file asked (default: ${DEFAULT-VALUE}).")
    private int repetitions;

    @Option(names = "--profile", description = {"Say which kernels the time goes to instead, in steps of prompts and of generation. Each",
        "kernel is timed by itself, so the sum is not what a step takes otherwise."})
    private boolean profile;

    @Option(names = "--json",
            description = "Print one line of JSON; \"first_token_ms\" is of the first request of all, with 8 tokens.")
    private boolean json;

    private final Console console;

    public BenchCommand(Console console) {
        this.console = console;
    }

    @Override
    public void run() throws Exception {
        int prompt = inRange("--prompt-tokens", promptTokens.orElse(512), 0, MOST_TOKENS);
        int generate = inRange("--generate-tokens", generateTokens.orElse(128), 0, MOST_TOKENS);
        int sequences = inRange("--batch", batch.orElse(1), 1, MOST_SEQUENCES);
        int before = inRange("--depth", depth.orElse(0), 0, MOST_TOKENS);
        int callers = inRange("--clients", clients.orElse(1), 1, MOST_CLIENTS);
        boolean serves = clients.isPresent() || requests.isPresent();
        inRange("--repetitions", repetitions, 1, 10_000);
        if (serves && batch.isPresent()) {
            throw new BadInput("--batch cannot be combined with --clients or --requests: each caller has one request at a time");
        }
        if (requests.isPresent() && (promptTokens.isPresent() || generateTokens.isPresent() || depth.isPresent())) {
            throw new BadInput("--prompt-tokens, --generate-tokens and --depth cannot be combined with --requests: the file says it all");
        }
        if (rate.isPresent() && (requests.isEmpty() || clients.isPresent())) {
            throw new BadInput("--rate needs --requests, and cannot be combined with --clients: a caller comes for each request");
        }
        if (rate.isPresent() && !(rate.get() > 0 && rate.get() <= MOST_RATE)) {
            throw new BadInput("--rate must be above 0 and at most " + MOST_RATE + " requests a second, was " + rate.get());
        }
        if (profile && serves) {
            throw new BadInput("--profile cannot be combined with --clients or --requests: it is of steps of --batch sequences");
        }
        if (profile) {
            profile(prompt, generate, sequences, before);
            return;
        }
        if (requests.isPresent()) {
            RequestLines.read(requests.get(), SamplingParams.neutral()); // what is wrong is said before a model is loaded
        }
        var kv = new KvUse();
        int most = rate.isPresent() ? MOST_SEQUENCES : Math.clamp(Math.max(sequences, callers), 64, MOST_SEQUENCES);
        long start = System.nanoTime();
        try (LLM llm = ModelOptions.open(serves ? model.builder().maxSequences(most).listener(kv) : model.builder().maxSequences(most), console)) {
            double loadMillis = (System.nanoTime() - start) / 1e6;
            var bench = new Bench(llm, sequences, before);
            if (requests.isEmpty()) {
                bench.checkContext(prompt, generate);
            }
            double firstTokenMillis = bench.firstToken() * 1e3;
            BenchFigures figures = requests.isPresent() ? recorded(llm, kv, callers, RequestLines.read(requests.get(), llm.defaults()))
                    : serves ? served(llm, kv, callers, before, prompt, generate) : batched(bench, prompt, generate);
            if (llm.metrics().preemptions() > 0) {
                console.say("llm: warning: the KV cache was too small for this batch: sequences were put back "
                        + llm.metrics().preemptions() + " times, and the figures include that");
            }
            String at = (before > 0 ? " after " + before + " tokens" : "") + (sequences > 1 ? ", " + sequences + " sequences at once" : "");
            if (json) {
                console.out().println(Json.line(json(figures, sequences, before, loadMillis, firstTokenMillis, llm)));
            } else {
                figures.lines(prompt, generate, at).forEach(console.out()::println);
                printf("load     %10.0f ms", loadMillis);
                printf("first token %7.0f ms", firstTokenMillis);
                ResidentMemory.peakMib().ifPresent(peak -> printf("peak RSS %10.0f MiB", peak));
            }
        }
    }

    private void profile(int prompt, int generate, int sequences, int before) {
        var heard = new Profile();
        try (LLM llm = ModelOptions.open(model.builder().maxSequences(Math.clamp(sequences, 64, MOST_SEQUENCES)).kernelListener(heard), console)) {
            var bench = new Bench(llm, sequences, before);
            bench.checkContext(prompt, generate);
            var all = new JsonObject();
            if (prompt > 0) {
                all.add("prompt", profiled(heard, false, "prompts", () -> bench.prompt(prompt)));
            }
            if (generate > 0) {
                all.add("generation", profiled(heard, true, "generation", () -> bench.generation(generate)));
            }
            if (json) {
                console.out().println(Json.line(all));
            }
        }
    }

    private JsonObject profiled(Profile heard, boolean decodes, String what, DoubleSupplier work) {
        work.getAsDouble(); // warms up
        heard.begin(decodes);
        work.getAsDouble();
        if (!json) {
            heard.lines(what).forEach(console.out()::println);
        }
        return heard.json();
    }

    private static int inRange(String option, int value, int least, int most) {
        if (value < least || value > most) {
            throw new BadInput(option + " must be in " + least + " to " + most + ", was " + value);
        }
        return value;
    }

    private BenchFigures batched(Bench bench, int prompt, int generate) {
        try (ProgressBar bar = console.progress("measuring", (prompt > 0 ? repetitions + 1L : 0) + (generate > 0 ? repetitions + 1 : 0))) {
            return new BenchFigures(prompt == 0 ? OptionalDouble.empty() : median(() -> bench.prompt(prompt), bar),
                    generate == 0 ? OptionalDouble.empty() : median(() -> bench.generation(generate), bar), Optional.empty());
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

    private BenchFigures served(LLM llm, KvUse kv, int callers, int before, int prompt, int generate)
            throws ExecutionException, InterruptedException {
        try (ProgressBar bar = console.progress("serving", 3)) {
            var bench = new ServingBench(llm, callers, before);
            bench.warmUp(prompt, generate);
            kv.begin();
            bar.step();
            Optional<Clients.Served> prompts = prompt == 0 ? Optional.empty() : Optional.of(bench.prompts(prompt, repetitions));
            bar.step();
            Optional<Clients.Served> texts = generate == 0 ? Optional.empty() : Optional.of(bench.generation(generate, repetitions));
            bar.step();
            return BenchFigures.served(new BenchFigures.Callers.Steady(callers), prompts, texts, kv.unfilled());
        }
    }

    private BenchFigures recorded(LLM llm, KvUse kv, int callers, List<Asked> asked) throws ExecutionException, InterruptedException {
        try (ProgressBar bar = console.progress("serving", repetitions + 1L)) {
            var bench = new ServingBench(llm, rate.isPresent() ? MOST_SEQUENCES : callers, 0);
            bench.recorded(asked);
            kv.begin();
            bar.step();
            Clients.Served all = Clients.Served.NONE;
            for (int i = 0; i < repetitions; i++) {
                all = all.and(rate.isPresent() ? bench.arriving(asked, rate.get()) : bench.recorded(asked));
                bar.step();
            }
            return BenchFigures.served(rate.<BenchFigures.Callers>map(BenchFigures.Callers.Arriving::new)
                    .orElseGet(() -> new BenchFigures.Callers.Steady(callers)), all, kv.unfilled());
        }
    }

    private void printf(String format, Object... values) {
        console.out().println(String.format(Locale.ROOT, format, values));
    }

    private JsonObject json(BenchFigures figures, int sequences, int before, double loadMillis, double firstTokenMillis, LLM llm)
            throws IOException {
        JsonObject result = figures.json();
        result.addProperty("batch", sequences);
        result.addProperty("depth", before);
        result.add("load_ms", Json.rounded(loadMillis));
        result.add("first_token_ms", Json.rounded(firstTokenMillis));
        result.add("peak_rss_mib", BenchFigures.rounded(ResidentMemory.peakMib()));
        result.addProperty("backend", llm.backend());
        result.addProperty("kernels", llm.kernels());
        return result;
    }
}
