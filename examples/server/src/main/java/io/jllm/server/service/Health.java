package io.jllm.server.service;

import io.jllm.server.generation.Serving;
import io.jllm.server.http.Call;
import io.jllm.server.http.Endpoint;
import io.jllm.server.json.Json;
import io.jllm.server.model.Models;
import java.io.IOException;
import java.util.List;

/** {@code GET /health}: 200 while it serves. One that stops answers everything with 503. */
public record Health(Serving serving) implements Endpoint {
    @Override
    public void answer(Call call) throws IOException {
        List<Models.Info> models = serving.models().list();
        call.reply(200, Json.object().put("status", "ok").put("models", models.size())
                .put("loaded", models.stream().filter(m -> m.isModel() && m.llm().isPresent()).count()).json());
    }
}
