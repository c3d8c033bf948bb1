package io.jllm.model;

import com.google.gson.Gson;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * A tiny model with the logits that Hugging Face transformers computes for it. The folders, and how they were made:
 * {@code io/jllm/families/README.md} among the test resources.
 *
 * @param cases texts with logits
 */
public record GoldenModel(List<Case> cases) {
    /** All of them, by folder. */
    public static final List<String> NAMES = List.of("llama-grouped", "llama-tied", "llama-biases", "llama-rope-llama3",
            "llama-rope-linear", "mistral-window", "mistral-head-dim", "qwen2", "qwen2-window", "qwen3");

    /** Those with a configuration in the style of transformers 4 too. */
    public static final List<String> NAMES_OF_TWO_STYLES = List.of("llama-grouped", "llama-rope-llama3", "llama-rope-linear",
            "mistral-window", "qwen2-window", "qwen3");

    /**
     * A text.
     *
     * @param ids its tokens
     * @param positions where logits are given, in order; the last position is the last of them
     * @param logits for each of these positions, the logits of the whole vocabulary
     */
    public record Case(int[] ids, int[] positions, float[][] logits) {
    }

    /** Reads what a model is expected to say. */
    public static GoldenModel read(String name) {
        var resource = GoldenModel.class.getResourceAsStream(resource(name, "golden.json"));
        try (Reader in = new InputStreamReader(resource, StandardCharsets.UTF_8)) {
            return new Gson().fromJson(in, GoldenModel.class);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Writes a model's folder, which may lie in a jar, to the disk; {@code config} is the file that serves as config.json. */
    public static Path unpack(String name, String config, Path into) throws IOException {
        Path folder = Files.createDirectories(into.resolve(name));
        copy(resource(name, config), folder.resolve("config.json"));
        copy(resource(name, "model.safetensors"), folder.resolve("model.safetensors"));
        return folder;
    }

    private static void copy(String resource, Path to) throws IOException {
        try (var in = GoldenModel.class.getResourceAsStream(resource)) {
            Files.write(to, in.readAllBytes());
        }
    }

    private static String resource(String name, String file) {
        return "/io/jllm/families/" + name + "/" + file;
    }
}
