package io.jllm.examples.cli.output;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.jllm.CompletionOutput;
import io.jllm.RequestOutput;
import io.jllm.StopReason;
import io.jllm.TokenLogprobs;
import java.time.Duration;
import java.util.List;
import java.util.Locale;

/** Results of requests, as exceptions and as JSON. */
public final class Results {
    private Results() {
    }

    /** The result, if it is one; else what it failed with. */
    public static RequestOutput good(RequestOutput result) {
        if (result.error().isPresent()) {
            throw result.error().get();
        }
        return result;
    }

    /** What {@code run --json} prints. */
    public static JsonObject json(RequestOutput result, boolean alternatives) {
        CompletionOutput best = result.outputs().getFirst();
        var json = new JsonObject();
        json.add("prompt_ids", Json.array(result.promptTokenIds()));
        addOutput(json, best, alternatives);
        json.add("stop_reason", best.stopReason().map(Results::stopReason).orElse(JsonNull.INSTANCE));
        var outputs = new JsonArray();
        for (CompletionOutput output : result.outputs()) {
            var one = new JsonObject();
            addOutput(one, output, alternatives);
            one.add("score", Json.number(output.score().orElse(output.cumulativeLogprob() / Math.max(1, output.tokenIds().length))));
            outputs.add(one);
        }
        json.add("outputs", outputs);
        json.add("metrics", metrics(result.metrics()));
        return json;
    }

    /** Ids of tokens are numbers, stop strings are strings. */
    private static JsonElement stopReason(StopReason reason) {
        return switch (reason) {
            case StopReason.Text stop -> new JsonPrimitive(stop.text());
            case StopReason.Token token -> new JsonPrimitive(token.id());
        };
    }

    private static void addOutput(JsonObject json, CompletionOutput output, boolean alternatives) {
        json.addProperty("text", output.text());
        json.add("token_ids", Json.array(output.tokenIds()));
        json.add("logprobs", chosen(output.logprobs()));
        if (alternatives) {
            json.add("top_logprobs", alternatives(output.logprobs()));
        }
        json.addProperty("finish_reason", output.finishReason().name().toLowerCase(Locale.ROOT));
    }

    private static JsonArray chosen(List<TokenLogprobs> logprobs) {
        var array = new JsonArray(logprobs.size());
        logprobs.forEach(l -> array.add(Json.number(l.logprob())));
        return array;
    }

    private static JsonArray alternatives(List<TokenLogprobs> logprobs) {
        var array = new JsonArray(logprobs.size());
        for (TokenLogprobs l : logprobs) {
            var row = new JsonArray(l.topIds().length);
            for (int i = 0; i < l.topIds().length; i++) {
                var token = new JsonObject();
                token.addProperty("id", l.topIds()[i]);
                token.add("logprob", Json.number(l.topLogprobs()[i]));
                row.add(token);
            }
            array.add(row);
        }
        return array;
    }

    private static JsonObject metrics(RequestOutput.Metrics metrics) {
        var json = new JsonObject();
        json.add("queued_ms", millis(metrics.queued()));
        json.add("time_to_first_token_ms", millis(metrics.timeToFirstToken()));
        json.add("inter_token_ms", metrics.interToken().map(Results::percentiles).orElse(JsonNull.INSTANCE));
        json.add("total_ms", millis(metrics.total()));
        json.addProperty("prompt_tokens", metrics.promptTokens());
        json.addProperty("cached_tokens", metrics.cachedTokens());
        json.addProperty("generated_tokens", metrics.generatedTokens());
        json.addProperty("preemptions", metrics.preemptions());
        return json;
    }

    private static JsonElement percentiles(RequestOutput.Percentiles percentiles) {
        var json = new JsonObject();
        json.add("p50", millis(percentiles.p50()));
        json.add("p90", millis(percentiles.p90()));
        json.add("p99", millis(percentiles.p99()));
        json.add("max", millis(percentiles.max()));
        return json;
    }

    private static JsonElement millis(Duration time) {
        return Json.rounded(time.toNanos() / 1e6);
    }
}
