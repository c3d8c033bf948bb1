package io.jllm.tokenizer.source;

import io.jllm.json.ConfigJson;
import io.jllm.json.SmallFiles;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Reads files of vocabularies, of a sensible size. */
final class SourceFiles {
    static final long MAX_BYTES = 256L << 20;

    private SourceFiles() {
    }

    static byte[] bytes(Path file) {
        return SmallFiles.bytes(file, "vocabulary", MAX_BYTES);
    }

    /** Without the ends of lines, which may be those of Windows. */
    static List<String> lines(Path file) {
        return new String(bytes(file), StandardCharsets.UTF_8).lines().toList();
    }

    /** The {@code model_type} of the folder's {@code config.json}. */
    static Optional<String> modelType(Path folder) {
        return ConfigJson.read(folder.resolve("config.json")).flatMap(c -> c.text("model_type"));
    }
}
