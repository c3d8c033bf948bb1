package io.jllm.load;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.jllm.ModelLoadException;
import io.jllm.chat.ChatTemplate;
import io.jllm.json.ConfigJson;
import io.jllm.json.FileErrors;
import io.jllm.json.SmallFiles;
import io.jllm.quant.FormatException;
import io.jllm.quant.gguf.GgufFile;
import io.jllm.quant.gguf.GgufMetadata;
import io.jllm.tokenizer.source.SpecialTokens;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Finds the chat templates in a model's files. What is wrong with them is kept for whoever uses them: models load without. Sources: transformers 5
 * ({@code PreTrainedTokenizerBase._from_pretrained}), gguf-py ({@code Keys.Tokenizer.CHAT_TEMPLATE}).
 */
public final class ChatTemplates {
    private static final String KEY = "chat_template";
    private static final String DEFAULT = "default";
    private static final String GGUF_KEY = "tokenizer.chat_template";
    private static final String GGUF_NAMES = "tokenizer.chat_templates";
    private static final List<String> GGUF_TOKENS = List.of("bos", "eos", "unknown", "seperator", "padding", "cls", "mask");
    private static final List<String> TOKENS = List.of("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token");
    private static final String ENDING = ".jinja";
    /** Templates are some kilobytes long. */
    private static final long MAX_BYTES = 16 << 20;

    private ChatTemplates() {
    }

    /**
     * Those of a model that need not be loaded for it.
     *
     * @param path a GGUF file, or a Hugging Face folder
     * @throws ModelLoadException if it is no GGUF file or cannot be read
     */
    public static ChatTemplate from(Path path) {
        if (Files.isDirectory(path)) {
            return fromFolder(path);
        }
        try (GgufFile file = GgufFile.open(path)) {
            return fromGguf(file.metadata());
        } catch (IOException e) {
            throw FileErrors.of(path, e);
        } catch (FormatException e) {
            throw new ModelLoadException(e.getMessage(), e);
        }
    }

    /** Those of a GGUF file: one without a name, and others that a list names. */
    public static ChatTemplate fromGguf(GgufMetadata metadata) {
        try {
            Map<String, String> templates = new LinkedHashMap<>();
            metadata.text(GGUF_KEY).ifPresent(text -> templates.put(DEFAULT, text));
            for (String name : metadata.texts(GGUF_NAMES).orElse(List.of())) {
                metadata.text(GGUF_KEY + "." + name).ifPresent(text -> templates.put(name, text));
            }
            return ChatTemplate.of(templates, templates.isEmpty() ? Map.of() : tokens(metadata));
        } catch (IllegalArgumentException e) { // a value of another kind than its key asks for
            return ChatTemplate.broken(e.getMessage());
        }
    }

    private static Map<String, String> tokens(GgufMetadata metadata) {
        List<String> texts = metadata.texts("tokenizer.ggml.tokens").orElse(List.of());
        Map<String, String> tokens = new LinkedHashMap<>();
        for (int i = 0; i < TOKENS.size(); i++) {
            OptionalLong id = metadata.integer("tokenizer.ggml." + GGUF_TOKENS.get(i) + "_token_id");
            if (id.isPresent() && id.getAsLong() >= 0 && id.getAsLong() < texts.size()) {
                tokens.put(TOKENS.get(i), texts.get((int) id.getAsLong()));
            }
        }
        return tokens;
    }

    /** Those of a folder: {@code chat_template.jinja} and its like, and where they are not there {@code chat_template.json} or the tokenizer's. */
    public static ChatTemplate fromFolder(Path folder) {
        try {
            SpecialTokens special = SpecialTokens.read(folder);
            Map<String, String> templates = files(folder);
            if (templates.isEmpty()) {
                Optional<ConfigJson> json = ConfigJson.read(folder.resolve("chat_template.json")).filter(c -> c.has(KEY)).or(special::config);
                json.ifPresent(config -> listed(config, templates));
            }
            Map<String, String> tokens = new LinkedHashMap<>();
            TOKENS.stream().filter(special.named()::containsKey).forEach(role -> tokens.put(role, special.named().get(role).text()));
            return ChatTemplate.of(templates, tokens);
        } catch (ModelLoadException e) {
            return ChatTemplate.broken(e.getMessage());
        } catch (UncheckedIOException e) {
            return ChatTemplate.broken(FileErrors.of(folder, e.getCause()).getMessage());
        } catch (IOException e) {
            return ChatTemplate.broken(FileErrors.of(folder, e).getMessage());
        }
    }

    private static Map<String, String> files(Path folder) throws IOException {
        Map<String, String> templates = new LinkedHashMap<>();
        Path main = folder.resolve(KEY + ENDING);
        if (Files.exists(main, LinkOption.NOFOLLOW_LINKS)) {
            templates.put(DEFAULT, read(main));
        }
        Path more = folder.resolve("additional_chat_templates");
        if (Files.isDirectory(more)) {
            try (var list = Files.list(more)) {
                for (Path file : list.filter(f -> f.toString().endsWith(ENDING)).sorted().toList()) {
                    String name = file.getFileName().toString();
                    templates.put(name.substring(0, name.length() - ENDING.length()), read(file));
                }
            }
        }
        return templates;
    }

    private static String read(Path file) {
        return SmallFiles.text(file, "chat template", MAX_BYTES);
    }

    /** The text of one, or a list of names and texts. */
    private static void listed(ConfigJson config, Map<String, String> templates) {
        JsonElement value = config.value(KEY).orElse(new JsonArray());
        switch (value) {
            case JsonPrimitive p when p.isString() -> templates.put(DEFAULT, p.getAsString());
            case JsonArray list -> {
                for (JsonElement element : list) {
                    if (!(element instanceof JsonObject)) {
                        throw new ModelLoadException(config.name(KEY) + " is a list, which must hold objects with name and template");
                    }
                }
                for (ConfigJson named : config.objects(KEY)) {
                    templates.put(required(named, "name"), required(named, "template"));
                }
            }
            default -> throw new ModelLoadException(config.name(KEY) + " must be a text, or a list of objects with name and template");
        }
    }

    private static String required(ConfigJson object, String key) {
        return object.text(key).orElseThrow(() -> new ModelLoadException(object.name(key) + " is missing"));
    }
}
