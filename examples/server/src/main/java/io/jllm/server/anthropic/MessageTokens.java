package io.jllm.server.anthropic;

import io.jllm.SamplingParams;
import io.jllm.server.generation.Serving;
import io.jllm.server.http.Call;
import io.jllm.server.http.Endpoint;
import io.jllm.server.json.Field;
import io.jllm.server.json.Json;
import io.jllm.server.model.Lease;
import io.jllm.server.openai.TokenLists;
import java.io.IOException;

/** {@code POST /v1/messages/count_tokens}. */
public record MessageTokens(Serving serving) implements Endpoint {
    @Override
    public void answer(Call call) throws IOException, InterruptedException {
        Field body = call.json();
        try (Lease lease = serving.lease(call, body)) {
            int[] ids = TokenLists.ids(lease.llm(), MessageAsk.task(body, serving, SamplingParams.builder()));
            call.reply(200, Json.object().put("input_tokens", ids.length).json());
        }
    }
}
