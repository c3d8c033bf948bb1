package io.jllm.quant.safetensors;

import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import io.jllm.quant.FormatException;
import io.jllm.quant.file.FileKind;
import io.jllm.quant.file.FileKind.Wanted;
import io.jllm.quant.file.MappedFile;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** The file that says which shard of a folder holds which tensors. */
final class ShardIndex {
    private static final int SHOWN = 5;

    private ShardIndex() {
    }

    /**
     * The names of tensors by shard.
     *
     * @param dir where the shards are
     * @param file the index
     * @param end what names of shards end in
     * @throws FormatException if it is broken, or a shard is missing or lies elsewhere
     */
    static Map<String, Set<String>> read(Path dir, Path file, String end) throws IOException {
        MappedFile.check(file, Wanted.JSON);
        if (Files.size(file) > SafetensorsHeader.MAX_BYTES) {
            throw new FormatException(file.toString(), "the index", "has " + Files.size(file) + " bytes; the limit is "
                    + SafetensorsHeader.MAX_BYTES);
        }
        Map<String, Set<String>> shards;
        try (InputStream in = Files.newInputStream(file)) {
            shards = StrictJson.read(in, file.toString(), "the index", json -> shards(json, file.toString(), end));
        } catch (FormatException e) {
            throw FileKind.of(file, Wanted.JSON).map(kind -> new FormatException(file.toString(), "the index", kind, e)).orElse(e);
        }
        List<String> missing = shards.keySet().stream().filter(s -> !CheckpointFiles.isThere(dir.resolve(s))).toList();
        if (!missing.isEmpty()) {
            throw new FormatException(file.toString(), "weight_map", "names the shard" + (missing.size() == 1 ? " " : "s ")
                    + String.join(", ", missing.stream().limit(SHOWN).toList()) + (missing.size() > SHOWN ? ", ..." : "") + ", which "
                    + (missing.size() == 1 ? "is" : "are") + " not in the folder: download " + (missing.size() == 1 ? "it" : "them")
                    + " too");
        }
        return shards;
    }

    private static Map<String, Set<String>> shards(JsonReader json, String file, String end) throws IOException {
        var shards = new TreeMap<String, Set<String>>();
        json.beginObject();
        while (json.hasNext()) {
            String key = json.nextName();
            if (key.equals("error") && json.peek() == JsonToken.STRING) {
                throw new FormatException(file, "the index", "holds the answer of a server, \"" + json.nextString()
                        + "\": download the file itself");
            }
            if (!key.equals("weight_map")) {
                json.skipValue();
                continue;
            }
            json.beginObject();
            while (json.hasNext()) {
                String tensor = json.nextName();
                String shard = StrictJson.string(json);
                Set<String> tensors = shards.get(shard);
                if (tensors == null) {
                    checkName(shard, file, end);
                    tensors = new LinkedHashSet<>();
                    shards.put(shard, tensors);
                }
                tensors.add(tensor);
            }
            json.endObject();
        }
        json.endObject();
        if (shards.isEmpty()) {
            throw new FormatException(file, "weight_map", "is missing or empty");
        }
        return shards;
    }

    /** A shard is a plain file name: an index must not reach outside its folder. Links inside it are the user's own. */
    private static void checkName(String shard, String file, String end) {
        if (!shard.endsWith(end) || shard.chars().anyMatch(c -> c == '/' || c == '\\' || c == ':' || c < ' ')) {
            throw new FormatException(file, "weight_map", "names the shard \"" + shard
                    + "\", which must be the plain name of a " + end + " file");
        }
    }
}
