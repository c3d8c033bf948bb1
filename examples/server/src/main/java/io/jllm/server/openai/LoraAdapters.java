package io.jllm.server.openai;

import io.jllm.server.generation.Serving;
import io.jllm.server.http.ApiError;
import io.jllm.server.http.Call;
import io.jllm.server.json.Field;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * vLLM's {@code POST /v1/load_lora_adapter} and {@code POST /v1/unload_lora_adapter}.
 *
 * @param allowed whether requests may do so: they have the server open paths
 */
public record LoraAdapters(Serving serving, boolean allowed) {
    /** Loads {@code lora_name} from {@code lora_path}, for {@code base_model_name} or the first model. */
    public void load(Call call) throws IOException, InterruptedException {
        check();
        Field body = call.json();
        String name = name(body);
        if (body.get("load_inplace").isTrue()) {
            throw body.get("load_inplace").unsupported("unload the adapter, and load it again");
        }
        Optional<String> model = body.get("base_model_name").optionalText();
        Path path;
        try {
            path = Path.of(body.get("lora_path").text());
        } catch (InvalidPathException _) {
            throw body.get("lora_path").wrong("a path of the server's machine");
        }
        call.note(name);
        serving.models().loadAdapter(model, name, path);
        success(call, name, "added");
    }

    /** Forgets {@code lora_name}. */
    public void unload(Call call) throws IOException {
        check();
        String name = name(call.json());
        call.note(name);
        serving.models().unloadAdapter(name);
        success(call, name, "removed");
    }

    private void check() {
        if (!allowed) {
            throw ApiError.forbidden("adapters are not loaded or unloaded by requests here; allow it where the server is started"
                    + " (llm serve --allow-adapter-loading)");
        }
    }

    private static String name(Field body) {
        String name = body.get("lora_name").text();
        if (name.isBlank()) {
            throw body.get("lora_name").wrong("a name");
        }
        return name;
    }

    private static void success(Call call, String name, String done) throws IOException {
        call.reply(200, "text/plain; charset=utf-8", ("Success: LoRA adapter '" + name + "' " + done + " successfully.").getBytes(StandardCharsets.UTF_8));
    }
}
