package io.jllm.server.responses;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.jllm.FinishReason;
import io.jllm.server.generation.Finished;
import io.jllm.server.generation.Serving;
import io.jllm.server.http.ApiError;
import io.jllm.server.json.Json;
import io.jllm.server.json.JsonBuilder;
import io.jllm.server.model.Lease;

/** A response: what it says beside its items, which is in part what the request said. */
final class ResponseBody {
    private final String id;
    private final ResponseAsk ask;
    private final Lease lease;
    private final long created = Serving.now();

    ResponseBody(String id, ResponseAsk ask, Lease lease) {
        this.id = id;
        this.ask = ask;
        this.lease = lease;
    }

    /** While it is made. */
    JsonObject begun() {
        return body("in_progress", new JsonArray()).putNull("error").putNull("incomplete_details").putNull("usage").json();
    }

    /** Whether it ended before it was whole. */
    static boolean isCut(Finished finished) {
        return finished.answers().getFirst().reason() == FinishReason.LENGTH;
    }

    JsonObject ended(Finished finished, JsonArray items) {
        JsonBuilder body = body(isCut(finished) ? "incomplete" : "completed", items).putNull("error");
        if (isCut(finished)) {
            body.put("incomplete_details", Json.object().put("reason", "max_output_tokens"));
        } else {
            body.putNull("incomplete_details");
        }
        int in = finished.promptTokens();
        int out = finished.generatedTokens();
        return body.put("usage", Json.object().put("input_tokens", in)
                .put("input_tokens_details", Json.object().put("cached_tokens", finished.cachedTokens()).put("cache_write_tokens", 0)).put("output_tokens", out)
                .put("output_tokens_details", Json.object().put("reasoning_tokens", finished.reasoningTokens(lease.llm())))
                .put("total_tokens", in + out)).json();
    }

    JsonObject failed(ApiError e, JsonArray items) {
        return body("failed", items).put("error", Json.object().put("code", "server_error").put("message", e.getMessage()))
                .putNull("incomplete_details").putNull("usage").json();
    }

    private JsonBuilder body(String status, JsonArray items) {
        JsonElement none = JsonNull.INSTANCE;
        return Json.object().put("id", id).put("object", "response").put("created_at", created).put("status", status).put("model", lease.name())
                .put("output", items).put("parallel_tool_calls", !ask.task().oneCall()).put("tool_choice", said("tool_choice", new JsonPrimitive("auto")))
                .put("tools", said("tools", new JsonArray())).put("instructions", said("instructions", none))
                .put("max_output_tokens", said("max_output_tokens", none)).put("metadata", said("metadata", new JsonObject()))
                .putNull("previous_response_id").put("reasoning", said("reasoning", Json.object().putNull("effort").putNull("summary").json()))
                .put("store", false).put("background", false).put("temperature", Json.number(ask.task().params().temperature()))
                .put("top_p", Json.number(ask.task().params().topP()))
                .put("text", said("text", Json.object().put("format", Json.object().put("type", "text")).json()))
                .put("truncation", said("truncation", new JsonPrimitive("disabled"))).put("user", said("user", none));
    }

    private JsonElement said(String name, JsonElement otherwise) {
        JsonElement value = ask.body().get(name).json();
        return value.isJsonNull() ? otherwise : value;
    }
}
