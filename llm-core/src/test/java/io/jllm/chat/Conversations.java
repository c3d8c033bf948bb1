package io.jllm.chat;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.jllm.load.ChatTemplates;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.zip.GZIPInputStream;

/**
 * Conversations made at random (seed in the file), and what transformers 5.18 with jinja2 3.1 makes of each by the templates of other people: the
 * first 8 digits of the SHA-256 of the prompt, {@code E} where it raises an error, {@code R} where the template would leave calls out, which is
 * refused here. Tools are passed to templates that mention them. DeepSeek's template is given arguments of calls as text, which it needs.
 */
final class Conversations {
    static final Map<String, String> MODELS = Map.of("hf/deepseek_v3", "tokenizers/hf/deepseek_v3", "hf/gemma3", "tokenizers/hf/gemma3",
            "hf/llama3_1", "tokenizers/hf/llama3_1", "hf/qwen3", "tokenizers/hf/qwen3", "hf/tinyllama", "tokenizers/hf/tinyllama",
            "gguf/ggml-vocab-phi-3.gguf", "tokenizers/gguf/ggml-vocab-phi-3.gguf",
            "SmolLM2-135M-Instruct", "models/SmolLM2-135M-Instruct/SmolLM2-135M-Instruct.Q4_1.gguf");

    private Conversations() {
    }

    static Path shared(String path) {
        String root = System.getProperty("jllm.shared", "");
        Path file = Path.of(root, path);
        assumeTrue(!root.isEmpty() && Files.exists(file), "needs " + path + " under -Djllm.shared");
        return file;
    }

    static JsonObject file() {
        try (InputStream in = Conversations.class.getResourceAsStream("conversations.json.gz")) {
            return JsonParser.parseReader(new InputStreamReader(new GZIPInputStream(in), StandardCharsets.UTF_8)).getAsJsonObject();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The templates by the names that the file has for them: those of models, and those of llama.cpp's tests. */
    static Map<String, ChatTemplate> templates() throws IOException {
        Map<String, ChatTemplate> templates = new LinkedHashMap<>();
        MODELS.forEach((name, path) -> templates.put(name, ChatTemplates.from(shared(path))));
        JsonObject cases = JsonParser.parseString(Files.readString(shared("cases/chat_templates_llama_cpp.json"))).getAsJsonObject();
        for (JsonElement element : cases.getAsJsonArray("cases")) {
            JsonObject c = element.getAsJsonObject();
            templates.put(c.get("name").getAsString(), ChatTemplate.of(Map.of("default", c.get("template").getAsString()),
                    Map.of("bos_token", c.get("bos_token").getAsString(), "eos_token", c.get("eos_token").getAsString())));
        }
        return templates;
    }

    static List<Message> messages(JsonObject conversation) {
        List<Message> messages = new ArrayList<>();
        for (JsonElement element : conversation.getAsJsonArray("messages")) {
            JsonObject m = element.getAsJsonObject();
            List<ToolCall> calls = new ArrayList<>();
            if (m.has("tool_calls")) {
                m.getAsJsonArray("tool_calls").forEach(c -> calls.add(new ToolCall(text(c, "id"), text(c, "name"), text(c, "arguments"))));
            }
            messages.add(new Message(Role.valueOf(text(m, "role").toUpperCase(Locale.ROOT)), text(m, "content"), optional(m, "reasoning"),
                    calls, optional(m, "tool_call_id"), optional(m, "name")));
        }
        return messages;
    }

    static ChatOptions options(JsonObject conversation, ChatTemplate template) {
        ChatOptions.Builder options = ChatOptions.builder().addGenerationPrompt(conversation.get("add_generation_prompt").getAsBoolean())
                .continueLastMessage(conversation.has("continue"));
        if (conversation.has("enable_thinking")) {
            options.variable("enable_thinking", conversation.get("enable_thinking").getAsBoolean());
        }
        if (conversation.has("tools") && template.source(ChatOptions.defaults()).orElseThrow().contains("tools")) {
            List<Tool> tools = new ArrayList<>();
            conversation.getAsJsonArray("tools").forEach(t -> tools.add(new Tool(text(t, "name"), text(t, "description"), text(t, "parameters"))));
            options.tools(tools);
        }
        return options.build();
    }

    private static String text(JsonElement object, String key) {
        return object.getAsJsonObject().get(key).getAsString();
    }

    private static Optional<String> optional(JsonObject object, String key) {
        return Optional.ofNullable(object.get(key)).map(JsonElement::getAsString);
    }
}
