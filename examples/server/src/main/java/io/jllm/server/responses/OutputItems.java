package io.jllm.server.responses;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.jllm.chat.Answer;
import io.jllm.chat.AnswerPart;
import io.jllm.chat.ToolCall;
import io.jllm.server.json.Json;
import io.jllm.server.json.JsonBuilder;
import java.io.IOException;

/** Makes items of an answer's parts, and tells of them as it does. For one answer and one thread. */
final class OutputItems {
    private enum Kind { NONE, REASONING, MESSAGE, CALL }

    private final String id;
    private final ResponseEvents events;
    private final JsonArray done = new JsonArray();
    private Kind kind = Kind.NONE;
    private final StringBuilder text = new StringBuilder();
    private String callId = "";
    private String callName = "";

    /** @param id by which items are told from those of other responses */
    OutputItems(String id, ResponseEvents events) {
        this.id = id;
        this.events = events;
    }

    /** The items that are whole. */
    JsonArray done() {
        return done;
    }

    private int index() {
        return done.size();
    }

    void add(AnswerPart part) throws IOException {
        switch (part) {
            case AnswerPart.Content(String more) -> text(Kind.MESSAGE, more, "response.output_text.delta");
            case AnswerPart.Reasoning(String more) -> text(Kind.REASONING, more, "response.reasoning_text.delta");
            case AnswerPart.CallStart(_, String newId, String name) -> {
                close("completed");
                callId = newId;
                callName = name;
                open(Kind.CALL);
            }
            case AnswerPart.CallArguments(_, String more) -> {
                text.append(more);
                events.send("response.function_call_arguments.delta", place().put("delta", more));
            }
            case AnswerPart.CallEnd _ -> close("completed");
        }
    }

    /** All of a whole answer. */
    void add(Answer answer) throws IOException {
        if (answer.reasoning().isPresent()) {
            add(new AnswerPart.Reasoning(answer.reasoning().get()));
        }
        if (!answer.content().isEmpty()) {
            add(new AnswerPart.Content(answer.content()));
        }
        for (ToolCall call : answer.toolCalls()) {
            add(new AnswerPart.CallStart(0, call.id(), call.name()));
            add(new AnswerPart.CallArguments(0, call.arguments()));
            add(new AnswerPart.CallEnd(0));
        }
    }

    private void text(Kind wanted, String more, String event) throws IOException {
        if (kind != wanted) {
            close("completed");
            open(wanted);
        }
        text.append(more);
        JsonBuilder members = part().put("delta", more);
        events.send(event, kind == Kind.MESSAGE ? members.put("logprobs", new JsonArray()) : members);
    }

    private void open(Kind next) throws IOException {
        kind = next;
        text.setLength(0);
        events.send("response.output_item.added", Json.object().put("output_index", index()).put("item", item("in_progress", true)));
        if (kind == Kind.MESSAGE || kind == Kind.REASONING) {
            events.send("response.content_part.added", part().put("part", content("")));
        }
    }

    /**
     * The item that is being made, if any, is whole.
     *
     * @param status {@code completed} or {@code incomplete}
     */
    void close(String status) throws IOException {
        switch (kind) {
            case NONE -> {
                return;
            }
            case MESSAGE -> events.send("response.output_text.done", part().put("text", text.toString()).put("logprobs", new JsonArray()));
            case REASONING -> events.send("response.reasoning_text.done", part().put("text", text.toString()));
            case CALL -> events.send("response.function_call_arguments.done", place().put("name", callName).put("arguments", text.toString()));
        }
        if (kind != Kind.CALL) {
            events.send("response.content_part.done", part().put("part", content(text.toString())));
        }
        JsonObject item = item(status, false);
        events.send("response.output_item.done", Json.object().put("output_index", index()).put("item", item));
        done.add(item);
        kind = Kind.NONE;
    }

    private String itemId() {
        String prefix = switch (kind) {
            case REASONING -> "rs_";
            case CALL -> "fc_";
            case MESSAGE, NONE -> "msg_";
        };
        return prefix + id + "-" + index();
    }

    private JsonBuilder place() {
        return Json.object().put("item_id", itemId()).put("output_index", index());
    }

    private JsonBuilder part() {
        return place().put("content_index", 0);
    }

    private JsonObject content(String words) {
        return kind == Kind.REASONING ? Json.object().put("type", "reasoning_text").put("text", words).json()
                : Json.object().put("type", "output_text").put("text", words).put("annotations", new JsonArray()).put("logprobs", new JsonArray()).json();
    }

    private JsonObject item(String status, boolean empty) {
        JsonArray content = empty ? new JsonArray() : Json.array(content(text.toString()));
        JsonBuilder item = Json.object().put("id", itemId());
        return switch (kind) {
            case REASONING -> item.put("type", "reasoning").put("summary", new JsonArray()).put("content", content).put("status", status).json();
            case CALL -> item.put("type", "function_call").put("call_id", callId).put("name", callName).put("arguments", text.toString())
                    .put("status", status).json();
            case MESSAGE, NONE -> item.put("type", "message").put("role", "assistant").put("status", status).put("content", content).json();
        };
    }
}
