package io.jllm.tokenizer;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Optional;

/** Folders without {@code tokenizer.json}, with the ids that others give; how they were made: {@code README.md} beside {@code files.json}. */
public final class GoldenFiles {
    /**
     * A text.
     *
     * @param ids with special tokens parsed
     * @param plain so, but with special tokens as plain text
     */
    public record Case(String text, int[] ids, Optional<int[]> plain, Optional<String> decoded) {
    }

    private GoldenFiles() {
    }

    public static List<String> names() {
        return List.copyOf(read().keySet());
    }

    /** Writes the files of a folder, and tells its cases. */
    public static List<Case> unpack(String name, Path folder) throws IOException {
        var json = read().getAsJsonObject(name);
        for (var file : json.getAsJsonObject("files").entrySet()) {
            var text = file.getValue().getAsString();
            Files.write(folder.resolve(file.getKey()), file.getKey().endsWith(".model") ? Base64.getDecoder().decode(text)
                    : text.getBytes(StandardCharsets.UTF_8));
        }
        var gson = new Gson();
        return json.getAsJsonArray("cases").asList().stream().map(e -> e.getAsJsonObject()).map(c -> new Case(c.get("text").getAsString(),
                gson.fromJson(c.get("ids"), int[].class), Optional.ofNullable(c.get("plain")).map(p -> gson.fromJson(p, int[].class)),
                Optional.ofNullable(c.get("decoded")).map(d -> d.getAsString()))).toList();
    }

    private static JsonObject read() {
        try (Reader in = new InputStreamReader(GoldenFiles.class.getResourceAsStream("/io/jllm/tokenizers/files.json"), StandardCharsets.UTF_8)) {
            return new Gson().fromJson(in, JsonObject.class);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
