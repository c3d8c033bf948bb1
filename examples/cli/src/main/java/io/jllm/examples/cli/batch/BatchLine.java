package io.jllm.examples.cli.batch;

import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import java.util.Optional;
import java.util.Set;

/**
 * A line of a batch, as OpenAI has them: {@code {"custom_id": .., "method": "POST", "url": "/v1/chat/completions", "body": {..}}}.
 * Source: OpenAI's guide to its batch API.
 *
 * @param id what its answer is known by: the line's {@code custom_id}, or its number where it has none
 * @param url what is asked
 * @param body of the request
 * @param problem what is wrong with it; then nothing is asked
 */
record BatchLine(String id, String url, String body, Optional<String> problem) {
    private static final Set<String> URLS = Set.of("/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/responses");

    /** Reads one. */
    static BatchLine of(int number, String line) {
        String id = "line-" + number;
        try {
            if (!(JsonParser.parseString(line) instanceof JsonObject o)) {
                return wrong(id, "it is no JSON object");
            }
            Optional<String> own = text(o, "custom_id");
            id = own.orElse(id);
            String url = text(o, "url").orElse("");
            if (own.isEmpty()) {
                return wrong(id, "it has no custom_id");
            }
            if (!text(o, "method").orElse("POST").equals("POST") || !URLS.contains(url)) {
                return wrong(id, "method and url must be POST and one of " + String.join(", ", URLS.stream().sorted().toList()));
            }
            if (!(o.get("body") instanceof JsonObject body)) {
                return wrong(id, "it has no body");
            }
            if (body.get("stream") instanceof JsonPrimitive p && p.isBoolean() && p.getAsBoolean()) {
                return wrong(id, "its body asks for a stream, which a batch cannot give");
            }
            return new BatchLine(id, url, body.toString(), Optional.empty());
        } catch (JsonParseException e) {
            return wrong(id, "it is no JSON: " + e.getMessage());
        }
    }

    private static Optional<String> text(JsonObject o, String key) {
        return o.get(key) instanceof JsonPrimitive p && p.isString() ? Optional.of(p.getAsString()) : Optional.empty();
    }

    private static BatchLine wrong(String id, String problem) {
        return new BatchLine(id, "", "", Optional.of(problem));
    }

    /** The line that answers it with what the server said. */
    JsonObject answered(int status, JsonElement reply) {
        var response = new JsonObject();
        response.addProperty("status_code", status);
        response.add("request_id", reply instanceof JsonObject o && o.has("id") ? o.get("id") : JsonNull.INSTANCE);
        response.add("body", reply);
        return line(response, JsonNull.INSTANCE);
    }

    /** The line that says why it was not answered. */
    JsonObject failed(String message) {
        var error = new JsonObject();
        error.addProperty("code", "invalid_request");
        error.addProperty("message", message);
        return line(JsonNull.INSTANCE, error);
    }

    private JsonObject line(JsonElement response, JsonElement error) {
        var all = new JsonObject();
        all.addProperty("id", "batch_req_" + id);
        all.addProperty("custom_id", id);
        all.add("response", response);
        all.add("error", error);
        return all;
    }
}
