package io.jllm.server.openai;

import com.google.gson.JsonObject;
import io.jllm.server.generation.Serving;
import io.jllm.server.http.ApiError;
import io.jllm.server.http.Call;
import io.jllm.server.http.Endpoint;
import io.jllm.server.json.Json;
import io.jllm.server.json.JsonBuilder;
import io.jllm.server.model.Models;
import java.io.IOException;

/** {@code GET /v1/models} and {@code GET /v1/models/ID}. */
public record ModelList(Serving serving) implements Endpoint {
    /** The path of all; that of one goes on with a slash and its name, which may hold slashes. */
    public static final String PATH = "/v1/models";

    @Override
    public void answer(Call call) throws IOException {
        if (call.path().equals(PATH)) {
            call.reply(200, Json.object().put("object", "list").put("data", Json.array(serving.models().list().stream().map(this::model).toList())).json());
            return;
        }
        String name = call.path().substring(PATH.length() + 1);
        call.reply(200, serving.models().list().stream().filter(m -> m.name().equals(name)).findFirst().map(this::model)
                .orElseThrow(() -> ApiError.noModel("there is no model \"" + name + "\" here; " + PATH + " lists those that there are")));
    }

    private JsonObject model(Models.Info model) {
        JsonBuilder json = Json.object().put("id", model.name()).put("object", "model").put("created", serving.started()).put("owned_by", "jllm")
                .put("root", model.root()).put("parent", model.parent()).put("loaded", model.llm().isPresent());
        model.llm().ifPresent(llm -> json.put("max_model_len", llm.maxContext()));
        return json.json();
    }
}
