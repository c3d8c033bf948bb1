package io.jllm.server.openai;

import com.google.gson.JsonArray;
import io.jllm.LLM;
import io.jllm.Prompt;
import io.jllm.SamplingParams;
import io.jllm.chat.ChatOptions;
import io.jllm.server.generation.AnswerRun;
import io.jllm.server.generation.ChatTask;
import io.jllm.server.generation.SamplingFields;
import io.jllm.server.generation.Serving;
import io.jllm.server.http.Call;
import io.jllm.server.json.BadField;
import io.jllm.server.json.Field;
import io.jllm.server.json.Json;
import io.jllm.server.json.JsonBuilder;
import io.jllm.server.model.Lease;
import java.io.IOException;

/** vLLM's {@code POST /tokenize} and {@code POST /detokenize}. */
public record TokenLists(Serving serving) {
    /** The ids of a {@code prompt}, or of the prompt that {@code messages} make. */
    public void tokenize(Call call) throws IOException, InterruptedException {
        Field body = call.json();
        try (Lease lease = serving.lease(call, body)) {
            LLM llm = lease.llm();
            int[] ids;
            if (body.get("messages").isMissing()) {
                ids = lease.tokenizer().encode(body.get("prompt").text(), body.get("add_special_tokens").flag().orElse(true), true);
            } else {
                ids = ids(llm, new ChatTask(ChatMessages.read(body.get("messages")), options(body), SamplingParams.greedy(), false));
            }
            JsonBuilder reply = Json.object().put("count", ids.length).put("max_model_len", llm.maxContext()).put("tokens", Json.array(ids));
            if (body.get("return_token_strs").isTrue()) {
                var texts = new JsonArray();
                for (int id : ids) {
                    texts.add(lease.tokenizer().token(id));
                }
                reply.put("token_strs", texts);
            }
            call.reply(200, reply.json());
        }
    }

    private ChatOptions options(Field body) {
        return ChatAsk.options(body, serving).build();
    }

    /** The ids of the prompt of a conversation. */
    public static int[] ids(LLM llm, ChatTask task) {
        return switch (AnswerRun.prepare(llm, task).request().prompt()) {
            case Prompt.Tokens t -> t.ids();
            case Prompt.Text _, Prompt.Chat _ -> throw new IllegalStateException("conversations are made ready as token ids");
        };
    }

    /** The text of {@code tokens}. */
    public void detokenize(Call call) throws IOException, InterruptedException {
        Field body = call.json();
        try (Lease lease = serving.lease(call, body)) {
            if (!body.get("tokens").isList()) {
                throw body.get("tokens").wrong("an array of token ids");
            }
            int[] ids = SamplingFields.tokens(body.get("tokens")).stream().mapToInt(Integer::intValue).toArray();
            for (int id : ids) {
                if (id >= lease.llm().config().vocab()) {
                    throw new BadField("tokens", "token " + id + " is none of the model's, 0 to " + (lease.llm().config().vocab() - 1));
                }
            }
            call.reply(200, Json.object().put("prompt", lease.tokenizer().decode(ids)).json());
        }
    }
}
