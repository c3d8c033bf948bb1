package io.jllm.server.service;

import io.jllm.LLM;
import io.jllm.server.generation.Serving;
import io.jllm.server.http.Call;
import io.jllm.server.http.Endpoint;
import io.jllm.server.metrics.Exposition;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/** {@code GET /metrics}. */
public record MetricsPage(Serving serving) implements Endpoint {
    @Override
    public void answer(Call call) throws IOException {
        Map<String, LLM> models = new LinkedHashMap<>();
        serving.models().list().stream().filter(m -> m.isModel()).forEach(m -> m.llm().ifPresent(llm -> models.put(m.name(), llm)));
        call.reply(200, Exposition.CONTENT_TYPE, Exposition.text(models, serving.meter()).getBytes(StandardCharsets.UTF_8));
    }
}
