package io.jllm.load;

import io.jllm.ModelLoadException;
import io.jllm.embedding.Pooling;
import io.jllm.json.ConfigJson;
import io.jllm.json.SmallFiles;
import io.jllm.quant.gguf.GgufMetadata;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/** What a model's files say of how vectors of texts are made. */
final class PoolingKind {
    private static final long MAX_BYTES = 1 << 20;
    private static final String GGUF_KEY = ".pooling_type";
    /** The numbers of llama.cpp's enum, from 1 on. */
    private static final List<Pooling> BY_NUMBER = List.of(Pooling.MEAN, Pooling.CLS, Pooling.LAST);
    /** The steps of sentence-transformers that are computed here; a vector's length is for the caller to choose. */
    private static final Set<String> KNOWN = Set.of("Transformer", "Pooling", "Normalize");

    private PoolingKind() {
    }

    /** The pooling of a GGUF file; empty if it says none. */
    static Optional<Pooling> of(String where, GgufMetadata metadata) {
        Optional<String> key = metadata.entries().keySet().stream().filter(k -> k.endsWith(GGUF_KEY)).findFirst();
        long kind = key.map(metadata::integer).orElse(OptionalLong.empty()).orElse(0);
        if (kind < 0 || kind > BY_NUMBER.size()) {
            throw new ModelLoadException(where + ": " + key.get() + " is " + kind + "; 1 (mean), 2 (cls) and 3 (last) are known. To choose, "
                    + "give a pooling with the request");
        }
        return kind == 0 ? Optional.empty() : Optional.of(BY_NUMBER.get((int) kind - 1));
    }

    /** The pooling of a folder, as sentence-transformers lays it out; empty if it says none. */
    static Optional<Pooling> of(Path folder) {
        Optional<Path> pooling = Optional.empty();
        for (ConfigJson module : modules(folder)) {
            String type = module.text("type").orElse("");
            String name = type.substring(type.lastIndexOf('.') + 1);
            if (!KNOWN.contains(name)) {
                throw new ModelLoadException(module.name("type") + " is \"" + type + "\"; of the steps to a vector " + String.join(", ", KNOWN.stream()
                        .sorted().toList()) + " are computed. To leave others out, give a pooling with the request");
            }
            if (name.equals("Pooling")) {
                pooling = module.text("path").map(folder::resolve);
            }
        }
        return pooling.flatMap(p -> ConfigJson.read(p.resolve("config.json"))).map(PoolingKind::mode);
    }

    private static List<ConfigJson> modules(Path folder) {
        Path file = folder.resolve("modules.json");
        if (Files.notExists(file, LinkOption.NOFOLLOW_LINKS)) {
            return List.of();
        }
        return ConfigJson.parse(file.toString(), "{\"modules\":" + SmallFiles.text(file, "JSON", MAX_BYTES) + "}").objects("modules");
    }

    private static Pooling mode(ConfigJson json) {
        List<String> on = json.json().keySet().stream().filter(k -> k.startsWith("pooling_mode_") && json.bool(k).orElse(false)).toList();
        List<String> known = List.of("pooling_mode_mean_tokens", "pooling_mode_cls_token", "pooling_mode_lasttoken");
        if (on.size() != 1 || !known.contains(on.getFirst())) {
            throw new ModelLoadException(json.name("pooling_mode") + " is " + on + "; one of " + known
                    + " is computed. To choose, give a pooling with the request");
        }
        return BY_NUMBER.get(known.indexOf(on.getFirst()));
    }
}
