package io.jllm.server.openai;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.jllm.StopReason;
import io.jllm.TokenLogprobs;
import io.jllm.chat.Answer;
import io.jllm.chat.ToolCall;
import io.jllm.server.generation.AnswerRun;
import io.jllm.server.generation.Finished;
import io.jllm.server.generation.Serving;
import io.jllm.server.generation.TokenTexts;
import io.jllm.server.http.Call;
import io.jllm.server.http.Endpoint;
import io.jllm.server.json.Field;
import io.jllm.server.json.Json;
import io.jllm.server.json.JsonBuilder;
import io.jllm.server.model.Lease;
import java.io.IOException;
import java.util.List;

/** {@code POST /v1/chat/completions}. */
public record ChatCompletions(Serving serving) implements Endpoint {
    @Override
    public void answer(Call call) throws IOException, InterruptedException {
        Field body = call.json();
        try (Lease lease = serving.lease(call, body)) {
            ChatAsk ask = ChatAsk.read(body, serving, lease);
            try (AnswerRun run = AnswerRun.start(serving, lease, ask.task())) {
                if (ask.stream()) {
                    new ChatChunks(call, lease, ask).send(run);
                } else {
                    call.await();
                    call.reply(200, whole(call, lease, ask, run.await()));
                }
            }
        }
    }

    private static JsonObject whole(Call call, Lease lease, ChatAsk ask, Finished finished) {
        var choices = new JsonArray();
        var texts = new TokenTexts(lease, ask.byId());
        for (Finished.One one : finished.answers()) {
            JsonElement logprobs = ask.logprobs() ? Json.object().put("content", texts.content(withoutEnd(one))).putNull("refusal").json()
                    : JsonNull.INSTANCE;
            choices.add(Json.object().put("index", one.sequence().index()).put("message", message(one.answer())).put("logprobs", logprobs)
                    .put("finish_reason", Usage.finishReason(one.reason())).put("stop_reason", stopReason(one)).json());
        }
        return Json.object().put("id", "chatcmpl-" + call.id()).put("object", "chat.completion").put("created", Serving.now())
                .put("model", lease.name()).put("choices", choices).put("usage", usage(lease, finished)).json();
    }

    static JsonObject usage(Lease lease, Finished finished) {
        return Usage.of(finished.promptTokens(), finished.cachedTokens(), finished.generatedTokens(), finished.reasoningTokens(lease.llm()));
    }

    /** The tokens that are part of the answer. */
    private static List<TokenLogprobs> withoutEnd(Finished.One one) {
        List<TokenLogprobs> all = one.sequence().logprobs();
        return endsWithToken(one) ? all.subList(0, all.size() - 1) : all;
    }

    static boolean endsWithToken(Finished.One one) {
        return one.sequence().stopReason().filter(StopReason.Token.class::isInstance).isPresent() && !one.sequence().logprobs().isEmpty();
    }

    /** As vLLM has it: the stop string, or the id of a stop token; null for the model's own end. */
    static JsonElement stopReason(Finished.One one) {
        return one.sequence().stopReason().filter(StopReason.Text.class::isInstance)
                .<JsonElement>map(r -> new JsonPrimitive(((StopReason.Text) r).text())).orElse(JsonNull.INSTANCE);
    }

    private static JsonBuilder message(Answer answer) {
        JsonBuilder message = Json.object().put("role", "assistant");
        if (answer.content().isEmpty() && !answer.toolCalls().isEmpty()) {
            message.putNull("content");
        } else {
            message.put("content", answer.content());
        }
        message.putNull("refusal").putIf("reasoning_content", answer.reasoning());
        if (!answer.toolCalls().isEmpty()) {
            message.put("tool_calls", Json.array(answer.toolCalls().stream().map(ChatCompletions::call).toList()));
        }
        return message;
    }

    private static JsonObject call(ToolCall call) {
        return Json.object().put("id", call.id()).put("type", "function")
                .put("function", Json.object().put("name", call.name()).put("arguments", call.arguments())).json();
    }
}
