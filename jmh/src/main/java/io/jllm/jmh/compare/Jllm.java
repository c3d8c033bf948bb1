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
import java.util.OptionalDouble;

/**
 * Our own command line, {@code llm bench}.
 *
 * @param script the path of {@code examples/llm}
 */
record Jllm(Path script) implements Program {
    @Override
    public String name() {
        return "jllm";
    }

    private static List<String> words(Setting s, String model, int prompt, int generate, int depth) {
        var words = new ArrayList<>(List.of("bench", "--model", model, "--prompt-tokens", "" + prompt, "--generate-tokens", "" + generate,
                "--threads", "" + s.threads(), "--kv-type", s.kvType(), "--repetitions", "1", "--json"));
        if (s.batch() > 1) {
            words.addAll(List.of("--batch", "" + s.batch()));
        }
        if (depth > 0) {
            words.addAll(List.of("--depth", "" + depth));
        }
        if (!s.kernels().equals("auto")) {
            words.addAll(List.of("--kernels", s.kernels()));
        }
        return words;
    }

    @Override
    public String command(Setting s) {
        if (s.load()) {
            return s.circumstances().command(s.name()) + "examples/llm " + String.join(" ", words(s, s.name(), 0, 0, 0));
        }
        String first = "examples/llm " + String.join(" ", words(s, s.name(), s.promptTokens(), s.batch() > 1 ? 0 : s.generateTokens(), s.depth()));
        return s.circumstances().command(s.name()) + (s.batch() == 1 ? first
                : first + "; examples/llm " + String.join(" ", words(s, s.name(), 0, s.generateTokens(), s.promptTokens())));
    }

    /** A batch generates after its prompts, for that is how llama-batched-bench measures it. */
    @Override
    public Run run(Setting s, Duration limit) throws IOException, InterruptedException {
        if (s.load()) {
            return run(words(s, s.model().toString(), 0, 0, 0), limit); // its first token is timed anyway
        }
        if (s.batch() == 1) {
            return run(words(s, s.model().toString(), s.promptTokens(), s.generateTokens(), s.depth()), limit);
        }
        Run prompts = run(words(s, s.model().toString(), s.promptTokens(), 0, 0), limit);
        Run generation = run(words(s, s.model().toString(), 0, s.generateTokens(), s.promptTokens()), limit);
        return new Run(prompts.speeds().withGeneration(generation.speeds()), generation.kernels());
    }

    private Run run(List<String> words, Duration limit) throws IOException, InterruptedException {
        var command = new ArrayList<>(List.of(script.toAbsolutePath().toString()));
        command.addAll(words);
        Child.Outcome outcome = Child.run(command, Map.of(), limit);
        try {
            JsonObject json = JsonParser.parseString(outcome.out()).getAsJsonObject();
            return new Run(new Speeds(number(json, "pp"), number(json, "tg"), number(json, "load_ms"), number(json, "first_token_ms"),
                    OptionalDouble.of(outcome.millis()), number(json, "peak_rss_mib")), json.get("kernels").getAsString());
        } catch (JsonParseException | IllegalStateException e) {
            throw new IOException(script + " printed what is no line of llm bench --json: " + outcome.out(), e);
        }
    }

    private static OptionalDouble number(JsonObject json, String key) {
        JsonElement value = json.get(key);
        return value == null || value.isJsonNull() ? OptionalDouble.empty() : OptionalDouble.of(value.getAsDouble());
    }
}
