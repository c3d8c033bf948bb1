package io.jllm.server.openai;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import io.jllm.CompletionOutput;
import io.jllm.LLM;
import io.jllm.Prompt;
import io.jllm.Request;
import io.jllm.RequestOutput;
import io.jllm.TokenLogprobs;
import io.jllm.TokenStream;
import io.jllm.server.generation.Failures;
import io.jllm.server.generation.Serving;
import io.jllm.server.generation.TokenTexts;
import io.jllm.server.http.Call;
import io.jllm.server.http.Endpoint;
import io.jllm.server.json.Field;
import io.jllm.server.json.Json;
import io.jllm.server.model.Lease;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** {@code POST /v1/completions}. */
public record Completions(Serving serving) implements Endpoint {
    @Override
    public void answer(Call call) throws IOException, InterruptedException {
        Field body = call.json();
        try (Lease lease = serving.lease(call, body)) {
            CompletionAsk ask = CompletionAsk.read(body, serving, lease);
            var streams = new ArrayList<TokenStream>();
            try {
                for (Request request : ask.requests()) {
                    streams.add(Failures.started(lease.llm(), () -> lease.llm().stream(request)));
                }
                if (ask.stream()) {
                    new CompletionChunks(call, lease, ask).send(streams);
                } else {
                    call.await();
                    call.reply(200, whole(call, lease, ask, results(lease.llm(), streams)));
                }
            } finally {
                streams.forEach(TokenStream::close);
                streams.forEach(s -> s.result().thenAccept(output -> serving.meter().ended(lease.model(), output)));
            }
        }
    }

    static List<RequestOutput> results(LLM llm, List<TokenStream> streams) throws InterruptedException {
        List<RequestOutput> outputs = new ArrayList<>();
        for (TokenStream stream : streams) {
            outputs.add(Failures.check(llm, Failures.result(stream)));
        }
        return outputs;
    }

    private static JsonObject whole(Call call, Lease lease, CompletionAsk ask, List<RequestOutput> outputs) {
        var choices = new JsonArray();
        var texts = new TokenTexts(lease, ask.byId());
        for (RequestOutput output : outputs) {
            String prompt = ask.echo() ? text(output.prompt(), lease) : "";
            for (CompletionOutput one : output.outputs()) {
                List<TokenLogprobs> tokens = new ArrayList<>(ask.echo() ? output.promptLogprobs() : List.of());
                tokens.addAll(one.logprobs());
                choices.add(Json.object().put("index", choices.size()).put("text", prompt + one.text())
                        .put("logprobs", logprobs(ask, texts, tokens, 0)).put("finish_reason", Usage.finishReason(one.finishReason())).json());
            }
        }
        return Json.object().put("id", "cmpl-" + call.id()).put("object", "text_completion").put("created", Serving.now()).put("model", lease.name())
                .put("choices", choices).put("usage", usage(outputs)).json();
    }

    static JsonElement logprobs(CompletionAsk ask, TokenTexts texts, List<TokenLogprobs> tokens, int offset) {
        return ask.logprobs().isPresent() ? texts.completion(tokens, ask.logprobs().getAsInt() > 0, offset) : JsonNull.INSTANCE;
    }

    static JsonObject usage(List<RequestOutput> outputs) {
        int prompt = 0;
        int cached = 0;
        int generated = 0;
        for (RequestOutput o : outputs) {
            prompt += o.metrics().promptTokens();
            cached += o.metrics().cachedTokens();
            generated += o.metrics().generatedTokens();
        }
        return Usage.of(prompt, cached, generated, 0);
    }

    /** What was asked, as text. */
    static String text(Prompt prompt, Lease lease) {
        return switch (prompt) {
            case Prompt.Text t -> t.text();
            case Prompt.Tokens t -> lease.tokenizer().decode(t.ids());
            case Prompt.Chat _ -> throw new IllegalStateException("completions have no conversations");
        };
    }
}
