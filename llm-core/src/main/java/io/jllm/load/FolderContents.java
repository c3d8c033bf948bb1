package io.jllm.load;

import io.jllm.ModelLoadException;
import io.jllm.json.FileErrors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;

/** Looks around in a folder that holds no model, for what was meant. */
final class FolderContents {
    private static final Pattern LATER_PART = Pattern.compile(".*-(?!00001)\\d{5}-of-\\d{5}\\.gguf", Pattern.DOTALL);
    private static final int SHOWN = 5;

    private FolderContents() {
    }

    /** What to say of a folder without {@code config.json}. */
    static ModelLoadException noConfig(Path folder) {
        List<Path> files;
        try {
            files = list(folder);
            if (files.isEmpty()) {
                return new ModelLoadException("the folder " + folder + " is empty: give a GGUF file or a Hugging Face model folder");
            }
            var gguf = files.stream().filter(f -> f.toString().endsWith(".gguf") && !LATER_PART.matcher(f.toString()).matches()).toList();
            if (!gguf.isEmpty()) {
                return new ModelLoadException("the folder " + folder + " has no config.json; to load a GGUF file in it, give the file: "
                        + either(gguf));
            }
            if (Files.exists(folder.resolve("adapter_config.json"))) {
                return new ModelLoadException("the folder " + folder + " has no config.json, but adapter_config.json: it holds an adapter and no "
                        + "model. Give the base model here, and this folder to LlmBuilder.adapter");
            }
            var own = files.stream().filter(f -> f.getFileName().toString().matches("consolidated.*|params\\.json|.*\\.pth")).findFirst();
            if (own.isPresent()) {
                return new ModelLoadException("the folder " + folder + " has no config.json, but " + own.get().getFileName() + ": it holds a model in "
                        + "its makers' own layout, which is not read. Give the folder that transformers loads, or a GGUF file");
            }
            // the cache of Hugging Face's programs keeps each version of a model two folders further down
            if (Files.isDirectory(folder.resolve("snapshots"))) {
                var versions = list(folder.resolve("snapshots")).stream().filter(Files::isDirectory).toList();
                if (!versions.isEmpty()) {
                    return new ModelLoadException("the folder " + folder + " has no config.json, but is one of Hugging Face's cache: give the "
                            + "folder of a version in it: " + either(versions));
                }
            }
        } catch (IOException e) {
            return FileErrors.of(folder, e);
        }
        return new ModelLoadException("the folder " + folder + " has no config.json: give a GGUF file, or a Hugging Face model folder "
                + "with config.json, *.safetensors or pytorch_model*.bin, and tokenizer.json");
    }

    private static List<Path> list(Path folder) throws IOException {
        try (var list = Files.list(folder)) {
            return list.sorted().toList();
        }
    }

    private static String either(List<Path> paths) {
        return String.join(" or ", paths.stream().limit(SHOWN).map(Path::toString).toList()) + (paths.size() > SHOWN ? " ..." : "");
    }
}
