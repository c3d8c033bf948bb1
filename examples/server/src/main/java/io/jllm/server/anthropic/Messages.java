package io.jllm.server.anthropic;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.jllm.StopReason;
import io.jllm.chat.AnswerPart;
import io.jllm.server.generation.AnswerRun;
import io.jllm.server.generation.Finished;
import io.jllm.server.generation.Serving;
import io.jllm.server.http.ApiError;
import io.jllm.server.http.Call;
import io.jllm.server.http.Endpoint;
import io.jllm.server.http.ErrorBodies;
import io.jllm.server.http.Events;
import io.jllm.server.json.Field;
import io.jllm.server.json.Json;
import io.jllm.server.json.JsonBuilder;
import io.jllm.server.model.Lease;
import java.io.IOException;
import java.util.Optional;

/** {@code POST /v1/messages}. */
public record Messages(Serving serving) implements Endpoint {
    @Override
    public void answer(Call call) throws IOException, InterruptedException {
        Field body = call.json();
        try (Lease lease = serving.lease(call, body)) {
            MessageAsk ask = MessageAsk.read(body, serving, lease);
            try (AnswerRun run = AnswerRun.start(serving, lease, ask.task())) {
                if (ask.stream()) {
                    stream(call, lease, run);
                } else {
                    call.await();
                    Finished finished = run.await();
                    Finished.One one = finished.answers().getFirst();
                    JsonBuilder message = message(call, lease, OutputBlocks.of(one.answer()));
                    end(message, one);
                    call.reply(200, message.put("usage", usage(finished)).json());
                }
            }
        }
    }

    private static JsonBuilder message(Call call, Lease lease, JsonArray content) {
        return Json.object().put("id", "msg_" + call.id()).put("type", "message").put("role", "assistant").put("model", lease.name())
                .put("content", content);
    }

    private static void end(JsonBuilder message, Finished.One one) {
        Optional<String> stop = one.sequence().stopReason().filter(StopReason.Text.class::isInstance).map(r -> ((StopReason.Text) r).text());
        message.put("stop_reason", switch (one.reason()) {
            case TOOL_CALLS -> "tool_use";
            case LENGTH -> "max_tokens";
            case STOP, CANCELLED, ERROR -> stop.isPresent() ? "stop_sequence" : "end_turn";
        }).put("stop_sequence", stop);
    }

    private static JsonObject usage(Finished finished) {
        return usage(finished.promptTokens() - finished.cachedTokens(), finished.cachedTokens(), finished.generatedTokens());
    }

    /** @param read tokens of the prompt, without those found in the cache */
    private static JsonObject usage(int read, int cached, int generated) {
        return Json.object().put("input_tokens", read).put("cache_creation_input_tokens", 0).put("cache_read_input_tokens", cached)
                .put("output_tokens", generated).json();
    }

    private static void stream(Call call, Lease lease, AnswerRun run) throws IOException, InterruptedException {
        Events events = call.events();
        try {
            JsonBuilder begun = message(call, lease, new JsonArray()).putNull("stop_reason").putNull("stop_sequence")
                    .put("usage", usage(run.promptTokens(), 0, 0));
            events.send("message_start", Json.object().put("type", "message_start").put("message", begun).json());
            events.send("ping", Json.object().put("type", "ping").json());
            var blocks = new OutputBlocks(events);
            Finished finished = run.read(delta -> {
                for (AnswerPart part : delta.parts()) {
                    blocks.add(part);
                }
            });
            blocks.end();
            JsonBuilder delta = Json.object();
            end(delta, finished.answers().getFirst());
            events.send("message_delta", Json.object().put("type", "message_delta").put("delta", delta).put("usage", usage(finished)).json());
            events.send("message_stop", Json.object().put("type", "message_stop").json());
        } catch (ApiError e) {
            call.note(e.getMessage());
            events.send("error", ErrorBodies.ANTHROPIC.body(e));
        }
    }
}
