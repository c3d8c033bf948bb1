package io.jllm.spark.plan;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * How fast one engine is.
 *
 * @param label of the measurements
 * @param promptTokensPerSecond at which prompts are read
 * @param tokensPerSecond at which a batch of so many sequences generates, all together; at least one size
 */
public record EngineRates(String label, double promptTokensPerSecond, TreeMap<Integer, Double> tokensPerSecond) {
    /**
     * @throws IllegalArgumentException if a rate is not above 0
     */
    public EngineRates {
        tokensPerSecond = new TreeMap<>(tokensPerSecond);
        if (tokensPerSecond.isEmpty() || !(promptTokensPerSecond > 0) || tokensPerSecond.values().stream().anyMatch(r -> !(r > 0))
                || tokensPerSecond.firstKey() < 1) {
            throw new IllegalArgumentException("the rates of " + label + " must be above 0, of a batch at least: " + promptTokensPerSecond + ", "
                    + tokensPerSecond);
        }
    }

    /**
     * The newest of each batch size among results of {@code llm bench}, as {@code jmh/results/cuda.jsonl} has them.
     *
     * @param label what the labels of the rows are, or begin with, before {@code -batch-N}
     * @throws IOException if the file cannot be read
     * @throws IllegalArgumentException if it holds no such rows
     */
    public static EngineRates read(Path file, String label) throws IOException {
        var rates = new TreeMap<Integer, Double>();
        double prompts = 0;
        for (String line : Files.readAllLines(file)) {
            JsonObject row = JsonParser.parseString(line).getAsJsonObject();
            JsonElement result = row.get("result");
            if (!row.get("label").getAsString().matches(Pattern.quote(label) + "(-batch-\\d+)?") || result == null) {
                continue;
            }
            JsonObject figures = result.getAsJsonObject();
            rates.put(figures.get("batch").getAsInt(), figures.get("tg").getAsDouble());
            prompts = figures.has("pp") && !figures.get("pp").isJsonNull() ? figures.get("pp").getAsDouble() : prompts;
        }
        if (rates.isEmpty()) {
            throw new IllegalArgumentException(file + " has no rows labelled " + label);
        }
        return new EngineRates(label, prompts, rates);
    }

    /** Seconds in which each of so many sequences gets a token: between measured sizes as on a line, beyond them as on the last. */
    public double stepSeconds(int sequences) {
        Map.Entry<Integer, Double> low = tokensPerSecond.floorEntry(sequences);
        Map.Entry<Integer, Double> high = tokensPerSecond.ceilingEntry(sequences);
        if (low == null) {
            return step(high);
        }
        if (high == null) {
            Map.Entry<Integer, Double> before = tokensPerSecond.lowerEntry(low.getKey());
            return before == null ? step(low) * sequences / low.getKey() : between(before, low, sequences);
        }
        return low.equals(high) ? step(low) : between(low, high, sequences);
    }

    private static double between(Map.Entry<Integer, Double> a, Map.Entry<Integer, Double> b, int sequences) {
        return step(a) + (step(b) - step(a)) * (sequences - a.getKey()) / (b.getKey() - a.getKey());
    }

    private static double step(Map.Entry<Integer, Double> rate) {
        return rate.getKey() / rate.getValue();
    }

    JsonObject json() {
        var json = new JsonObject();
        json.addProperty("label", label);
        json.addProperty("prompt_tokens_per_s", promptTokensPerSecond);
        var batches = new JsonArray();
        tokensPerSecond.forEach((batch, rate) -> {
            var pair = new JsonArray();
            pair.add(batch);
            pair.add(rate);
            batches.add(pair);
        });
        json.add("tokens_per_s_by_batch", batches);
        return json;
    }
}
