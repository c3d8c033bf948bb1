package io.jllm.examples.cli.bench;

import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import io.jllm.examples.cli.output.Json;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.ToLongFunction;

/**
 * What was measured; a speed that was not asked for is absent.
 *
 * @param pp tokens of prompts a second
 * @param tg tokens generated a second
 * @param serving how callers were served, if there were any
 */
public record BenchFigures(OptionalDouble pp, OptionalDouble tg, Optional<Serving> serving) {
    private static final double PERCENT = 100;

    /** Who asks. */
    public sealed interface Callers {
        /** So many, who ask again as soon as they are answered. */
        record Steady(int count) implements Callers {
            @Override
            public String toString() {
                return count + " clients";
            }
        }

        /** One for each request, so many a second in the mean. */
        record Arriving(double rate) implements Callers {
            @Override
            public String toString() {
                return String.format(Locale.ROOT, "%.2f requests/s arriving", rate);
            }
        }
    }

    /**
     * How callers were served.
     *
     * @param callers who they were
     * @param requests requests whose tokens and times these are
     * @param seconds how long all of it took
     * @param tokensPerSecond tokens generated a second, for all callers together
     * @param firstToken from asking to the first token
     * @param interToken from one token to the next
     * @param unfilledKv which part of the positions in KV blocks of sequences held nothing, in the mean of the steps
     */
    record Serving(Callers callers, int requests, double seconds, double tokensPerSecond, Latency firstToken, Latency interToken,
                   OptionalDouble unfilledKv) {
        public JsonObject json() {
            var json = new JsonObject();
            switch (callers) {
                case Callers.Steady s -> json.addProperty("clients", s.count());
                case Callers.Arriving a -> json.addProperty("rate", a.rate());
            }
            json.addProperty("requests", requests);
            json.add("tokens_per_s", Json.rounded(tokensPerSecond));
            json.add("requests_per_s", Json.rounded(requests / seconds));
            json.add("ttft_ms", firstToken.json());
            json.add("inter_token_ms", interToken.json());
            json.add("unfilled_kv", rounded(unfilledKv));
            return json;
        }

        List<String> lines() {
            var lines = new ArrayList<>(List.of(String.format(Locale.ROOT, "%s, %d requests: %.2f tokens/s, %.2f requests/s", callers, requests,
                    tokensPerSecond, requests / seconds), "first token " + firstToken, "inter-token " + interToken));
            unfilledKv.ifPresent(part -> lines.add(String.format(Locale.ROOT, "KV blocks of sequences: %.1f %% unfilled", PERCENT * part)));
            return lines;
        }
    }

    /**
     * How long waits took, in milliseconds; NaN if there were none.
     *
     * @param p50 the median
     * @param p90 nine of ten took no longer
     * @param p99 99 of 100
     * @param max the longest
     */
    record Latency(double p50, double p90, double p99, double max) {
        /** Of waits in nanoseconds, which it sorts. */
        static Latency of(long[] nanos) {
            Arrays.sort(nanos);
            return new Latency(at(nanos, 0.5), at(nanos, 0.9), at(nanos, 0.99), at(nanos, 1));
        }

        /** The least that so large a part of them does not exceed. */
        private static double at(long[] sorted, double part) {
            return sorted.length == 0 ? Double.NaN : sorted[Math.max(0, (int) Math.ceil(part * sorted.length) - 1)] / 1e6;
        }

        public JsonObject json() {
            var json = new JsonObject();
            json.add("p50", Json.rounded(p50));
            json.add("p90", Json.rounded(p90));
            json.add("p99", Json.rounded(p99));
            json.add("max", Json.rounded(max));
            return json;
        }

        @Override
        public String toString() {
            return String.format(Locale.ROOT, "p50 %.2f, p90 %.2f, p99 %.2f, max %.2f ms", p50, p90, p99, max);
        }
    }

    /** What callers got who asked for first tokens after prompts, and those who asked for many tokens; one of them at least. */
    public static BenchFigures served(Callers callers, Optional<Clients.Served> prompts, Optional<Clients.Served> texts, OptionalDouble unfilledKv) {
        Optional<Serving> serving = texts.or(() -> prompts).map(last -> new Serving(callers, last.requests(), last.seconds(),
                last.generatedTokens() / last.seconds(), Latency.of(prompts.orElse(last).firstToken()), Latency.of(last.interToken()), unfilledKv));
        return new BenchFigures(speed(prompts, Clients.Served::promptTokens), speed(texts, Clients.Served::generatedTokens), serving);
    }

    /** What callers got who asked for this and that. */
    public static BenchFigures served(Callers callers, Clients.Served all, OptionalDouble unfilledKv) {
        return new BenchFigures(OptionalDouble.empty(), OptionalDouble.empty(),
                served(callers, Optional.empty(), Optional.of(all), unfilledKv).serving);
    }

    private static OptionalDouble speed(Optional<Clients.Served> served, ToLongFunction<Clients.Served> tokens) {
        return served.map(s -> OptionalDouble.of(tokens.applyAsLong(s) / s.seconds())).orElse(OptionalDouble.empty());
    }

    /** The beginning of the line of JSON. */
    public JsonObject json() {
        var json = new JsonObject();
        json.add("pp", rounded(pp));
        json.add("tg", rounded(tg));
        serving.ifPresent(s -> s.json().asMap().forEach(json::add));
        return json;
    }

    /** The same for people. */
    public List<String> lines(int promptTokens, int generateTokens, String at) {
        var lines = new ArrayList<String>();
        pp.ifPresent(v -> lines.add(String.format(Locale.ROOT, "pp%-6d %10.2f tokens/s%s", promptTokens, v, at)));
        tg.ifPresent(v -> lines.add(String.format(Locale.ROOT, "tg%-6d %10.2f tokens/s%s", generateTokens, v, at)));
        serving.ifPresent(s -> lines.addAll(s.lines()));
        return lines;
    }

    /** A figure, or null. */
    public static JsonElement rounded(OptionalDouble value) {
        return value.isPresent() ? Json.rounded(value.getAsDouble()) : JsonNull.INSTANCE;
    }
}
