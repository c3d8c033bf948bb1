package io.jllm.server.anthropic;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import io.jllm.chat.Answer;
import io.jllm.chat.AnswerPart;
import io.jllm.chat.ToolCall;
import io.jllm.server.http.Events;
import io.jllm.server.json.Json;
import io.jllm.server.json.JsonBuilder;
import java.io.IOException;

/** The blocks of an answer. As it comes: for one answer and one thread. */
final class OutputBlocks {
    private enum Kind { NONE, THINKING, TEXT, CALL }

    private final Events events;
    private Kind kind = Kind.NONE;
    private int index;

    OutputBlocks(Events events) {
        this.events = events;
    }

    /** All of a whole answer. */
    static JsonArray of(Answer answer) {
        var blocks = new JsonArray();
        answer.reasoning().ifPresent(text -> blocks.add(thinking(text)));
        if (!answer.content().isEmpty()) {
            blocks.add(text(answer.content()));
        }
        for (ToolCall call : answer.toolCalls()) {
            blocks.add(call(call.id(), call.name(), input(call.arguments())));
        }
        return blocks;
    }

    private static JsonObject thinking(String text) {
        return Json.object().put("type", "thinking").put("thinking", text).put("signature", "").json();
    }

    private static JsonObject text(String text) {
        return Json.object().put("type", "text").put("text", text).json();
    }

    private static JsonObject call(String id, String name, JsonElement input) {
        return Json.object().put("type", "tool_use").put("id", id).put("name", name).put("input", input).json();
    }

    /** The arguments of a call; what a model wrote that is no object is its only member, for an object there must be. */
    private static JsonObject input(String arguments) {
        try {
            JsonElement parsed = JsonParser.parseString(arguments);
            if (parsed.isJsonObject()) {
                return parsed.getAsJsonObject();
            }
        } catch (JsonParseException _) {
            // as it is
        }
        return Json.object().put("raw_arguments", arguments).json();
    }

    void add(AnswerPart part) throws IOException {
        switch (part) {
            case AnswerPart.Content(String more) -> {
                begin(Kind.TEXT, text(""));
                delta(Json.object().put("type", "text_delta").put("text", more));
            }
            case AnswerPart.Reasoning(String more) -> {
                begin(Kind.THINKING, thinking(""));
                delta(Json.object().put("type", "thinking_delta").put("thinking", more));
            }
            case AnswerPart.CallStart(_, String id, String name) -> {
                end();
                begin(Kind.CALL, call(id, name, new JsonObject()));
            }
            case AnswerPart.CallArguments(_, String more) -> delta(Json.object().put("type", "input_json_delta").put("partial_json", more));
            case AnswerPart.CallEnd _ -> end();
        }
    }

    private void begin(Kind wanted, JsonObject empty) throws IOException {
        if (kind != wanted) {
            end();
            kind = wanted;
            events.send("content_block_start", Json.object().put("type", "content_block_start").put("index", index).put("content_block", empty).json());
        }
    }

    private void delta(JsonBuilder delta) throws IOException {
        events.send("content_block_delta", Json.object().put("type", "content_block_delta").put("index", index).put("delta", delta).json());
    }

    /** The block that has begun, if any, is whole. */
    void end() throws IOException {
        if (kind != Kind.NONE) {
            events.send("content_block_stop", Json.object().put("type", "content_block_stop").put("index", index++).json());
            kind = Kind.NONE;
        }
    }
}
