package io.jllm.server.openai;

import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.jllm.TokenLogprobs;
import io.jllm.chat.AnswerPart;
import io.jllm.server.generation.AnswerRun;
import io.jllm.server.generation.Delta;
import io.jllm.server.generation.Finished;
import io.jllm.server.generation.Serving;
import io.jllm.server.generation.TokenTexts;
import io.jllm.server.http.ApiError;
import io.jllm.server.http.Call;
import io.jllm.server.http.ErrorBodies;
import io.jllm.server.http.Events;
import io.jllm.server.json.Json;
import io.jllm.server.json.JsonBuilder;
import io.jllm.server.model.Lease;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A chat's answer in chunks: {@code chat.completion.chunk}. For one answer and one thread. */
final class ChatChunks {
    private final String id;
    private final Lease lease;
    private final ChatAsk ask;
    private final Call call;
    private final TokenTexts texts;
    private final long created = Serving.now();
    private final ChunkFrame frame;
    private final Set<Integer> begun = new HashSet<>();
    /** Chunks of answers that go on with text, by the answer's index. */
    private final Map<Integer, ChunkFrame.OfTexts> contents = new HashMap<>();
    /** Tokens of which nothing was understood yet, by the answer's index. */
    private final Map<Integer, List<TokenLogprobs>> pending = new HashMap<>();

    ChatChunks(Call call, Lease lease, ChatAsk ask) {
        this.call = call;
        this.lease = lease;
        this.ask = ask;
        id = "chatcmpl-" + call.id();
        texts = new TokenTexts(lease, ask.byId());
        frame = new ChunkFrame(chunk(), ask.usage());
    }

    /** Sends it all. */
    void send(AnswerRun run) throws IOException, InterruptedException {
        Events events = call.events();
        try {
            Finished finished = run.read(delta -> send(events, delta));
            for (Finished.One one : finished.answers()) {
                end(events, one);
            }
            if (ask.usage()) {
                events.sendText(Json.text(chunk().put("choices", Json.array()).put("usage", ChatCompletions.usage(lease, finished)).json()), true);
            }
        } catch (ApiError e) {
            call.note(e.getMessage());
            events.send(ErrorBodies.OPENAI.body(e));
        }
        events.sendText("[DONE]", true);
    }

    private void send(Events events, Delta delta) throws IOException {
        List<TokenLogprobs> tokens = pending.computeIfAbsent(delta.index(), _ -> new ArrayList<>());
        if (ask.logprobs()) {
            tokens.addAll(delta.tokens());
        }
        List<AnswerPart> parts = delta.parts().stream().filter(p -> !(p instanceof AnswerPart.CallEnd)).toList();
        for (int i = 0; i < parts.size(); i++) {
            boolean more = delta.more() || i < parts.size() - 1;
            if (parts.get(i) instanceof AnswerPart.Content(String text) && !ask.logprobs() && begun.contains(delta.index())) {
                contents.computeIfAbsent(delta.index(), this::contents).send(events, text, more);
            } else {
                JsonBuilder part = delta(delta.index(), parts.get(i));
                frame.send(events, choice(delta.index(), part, logprobs(tokens), JsonNull.INSTANCE, JsonNull.INSTANCE), more);
            }
        }
        if (parts.isEmpty() && !delta.more()) {
            events.flush();
        }
    }

    private ChunkFrame.OfTexts contents(int index) {
        JsonBuilder delta = Json.object().put("content", ChunkFrame.TEXT);
        return frame.around(choice(index, delta, JsonNull.INSTANCE, JsonNull.INSTANCE, JsonNull.INSTANCE));
    }

    private void end(Events events, Finished.One one) throws IOException {
        int index = one.sequence().index();
        List<TokenLogprobs> tokens = pending.getOrDefault(index, new ArrayList<>());
        if (!tokens.isEmpty() && ChatCompletions.endsWithToken(one)) {
            tokens.removeLast();
        }
        frame.send(events, choice(index, begin(index), logprobs(tokens), new JsonPrimitive(Usage.finishReason(one.reason())),
                ChatCompletions.stopReason(one)), true);
    }

    private JsonElement logprobs(List<TokenLogprobs> tokens) {
        if (tokens.isEmpty()) {
            return JsonNull.INSTANCE;
        }
        JsonObject logprobs = Json.object().put("content", texts.content(tokens)).putNull("refusal").json();
        tokens.clear();
        return logprobs;
    }

    /** A delta that names the role, if it is the first of its answer. */
    private JsonBuilder begin(int index) {
        return begun.add(index) ? Json.object().put("role", "assistant").put("content", "") : Json.object();
    }

    private JsonBuilder delta(int index, AnswerPart part) {
        JsonBuilder delta = begin(index);
        return switch (part) {
            case AnswerPart.Content(String text) -> delta.put("content", text);
            case AnswerPart.Reasoning(String text) -> delta.put("reasoning_content", text);
            case AnswerPart.CallStart(int number, String callId, String name) -> delta.put("tool_calls", Json.array(Json.object()
                    .put("index", number).put("id", callId).put("type", "function")
                    .put("function", Json.object().put("name", name).put("arguments", "")).json()));
            case AnswerPart.CallArguments(int number, String text) -> delta.put("tool_calls", Json.array(Json.object()
                    .put("index", number).put("function", Json.object().put("arguments", text)).json()));
            case AnswerPart.CallEnd _ -> delta;
        };
    }

    private static JsonBuilder choice(int index, JsonBuilder delta, JsonElement logprobs, JsonElement finishReason, JsonElement stopReason) {
        JsonBuilder choice = Json.object().put("index", index).put("delta", delta).put("logprobs", logprobs).put("finish_reason", finishReason);
        if (!finishReason.isJsonNull()) {
            choice.put("stop_reason", stopReason);
        }
        return choice;
    }

    private JsonBuilder chunk() {
        return Json.object().put("id", id).put("object", "chat.completion.chunk").put("created", created).put("model", lease.name());
    }
}
