package io.jllm.jmh.compare;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * {@code llama-bench}, and {@code llama-batched-bench} for batches: llama.cpp's or those of a fork.
 *
 * @param name of the program, with its version
 * @param bench the path of llama-bench
 * @param batchedBench the path of llama-batched-bench, if batches are to be measured
 * @param more further arguments of either
 * @param environment further environment variables
 */
record LlamaBench(String name, Path bench, Optional<Path> batchedBench, List<String> more, Map<String, String> environment)
        implements Program {
    /** Positions of columns in the table that llama-batched-bench prints, of which each line begins with a bar. */
    private static final int SPEED_PROMPT = 6;
    private static final int SPEED_GENERATION = 8;
    private static final int COLUMNS = 10;

    private List<String> words(Setting s, String model) {
        var words = new ArrayList<>(List.of("-m", model));
        if (s.batch() > 1) {
            int positions = s.batch() * (s.promptTokens() + s.generateTokens());
            words.addAll(List.of("-c", "" + positions, "-b", "2048", "-ub", "512", "-npp", "" + s.promptTokens(), "-ntg", "" + s.generateTokens(),
                    "-npl", "" + s.batch(), "-t", "" + s.threads(), "-tb", "" + s.threads()));
        } else if (s.load()) {
            words.addAll(List.of("-p", "" + Setting.FIRST_PROMPT, "-n", "0", "-t", "" + s.threads(), "-r", "1", "--no-warmup", "-o", "json"));
        } else {
            words.addAll(List.of("-p", "" + s.promptTokens(), "-n", "" + s.generateTokens(), "-t", "" + s.threads(), "-r", "1", "-o", "json"));
            if (s.depth() > 0) {
                words.addAll(List.of("-d", "" + s.depth()));
            }
        }
        words.addAll(List.of("-ctk", s.kvType(), "-ctv", s.kvType()));
        words.addAll(more);
        return words;
    }

    @Override
    public String command(Setting s) {
        var line = new StringBuilder(s.circumstances().command(s.name()));
        environment.forEach((key, value) -> line.append(key).append('=').append(value).append(' '));
        return line + (s.batch() > 1 ? "llama-batched-bench " : "llama-bench ") + String.join(" ", words(s, s.name()));
    }

    @Override
    public Run run(Setting s, Duration limit) throws IOException, InterruptedException {
        Path program = s.batch() == 1 ? bench
                : batchedBench.orElseThrow(() -> new IOException("a batch needs --llama-batched-bench PATH"));
        var command = new ArrayList<>(List.of(program.toAbsolutePath().toString()));
        command.addAll(words(s, s.model().toString()));
        Child.Outcome outcome = Child.run(command, environment, limit);
        try {
            return s.load() ? run(OptionalDouble.empty(), OptionalDouble.empty(), outcome) : s.batch() == 1 ? single(outcome) : batched(outcome);
        } catch (JsonParseException | IllegalStateException | NumberFormatException | NullPointerException e) {
            throw new IOException(program.getFileName() + " printed what is not known here: " + outcome.out(), e);
        }
    }

    private static Run single(Child.Outcome outcome) {
        OptionalDouble pp = OptionalDouble.empty();
        OptionalDouble tg = OptionalDouble.empty();
        for (JsonElement element : JsonParser.parseString(outcome.out()).getAsJsonArray()) {
            JsonObject test = element.getAsJsonObject();
            double speed = test.get("avg_ts").getAsDouble();
            if (test.get("n_prompt").getAsInt() > 0) {
                pp = OptionalDouble.of(speed);
            } else {
                tg = OptionalDouble.of(speed);
            }
        }
        return run(pp, tg, outcome);
    }

    private static Run batched(Child.Outcome outcome) {
        for (String line : outcome.out().lines().toList()) {
            String[] cells = line.strip().split("\\s*\\|\\s*");
            if (cells.length == COLUMNS + 1 && cells[1].matches("\\d+")) {
                return run(OptionalDouble.of(Double.parseDouble(cells[SPEED_PROMPT])), OptionalDouble.of(Double.parseDouble(cells[SPEED_GENERATION])),
                        outcome);
            }
        }
        throw new IllegalStateException("no line of figures");
    }

    private static Run run(OptionalDouble pp, OptionalDouble tg, Child.Outcome outcome) {
        return new Run(new Speeds(pp, tg, OptionalDouble.empty(), OptionalDouble.empty(), OptionalDouble.of(outcome.millis()),
                outcome.peakMib()), "");
    }
}
