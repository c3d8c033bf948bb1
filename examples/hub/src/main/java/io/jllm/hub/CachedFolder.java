package io.jllm.hub;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeSet;

/** Whether a folder that some tool fetched, and which no hub is asked about, is whole: an index names the files that it must have. */
final class CachedFolder {
    private static final List<String> INDICES = List.of("model.safetensors.index.json", "pytorch_model.bin.index.json");

    private CachedFolder() {
    }

    /**
     * Looks at it.
     *
     * @throws HubException if files are missing
     */
    static void check(Path folder, FileChoice choice) throws IOException {
        if (choice.open().isPresent()) {
            return; // its parts were counted
        }
        for (String index : INDICES) {
            Path file = folder.resolve(index);
            String ending = index.substring(index.indexOf('.'), index.length() - ".index.json".length());
            boolean used = choice.files().stream().anyMatch(f -> f.path().endsWith(ending));
            if (!used || !Files.isRegularFile(file)) {
                continue;
            }
            var missing = named(file);
            missing.removeIf(f -> !RemoteFile.isSafe(f) || Files.isRegularFile(folder.resolve(f)));
            if (!missing.isEmpty()) {
                throw new HubException("files are missing: " + String.join(", ", missing));
            }
        }
    }

    private static TreeSet<String> named(Path index) throws IOException {
        var names = new TreeSet<String>();
        try {
            JsonElement map = JsonParser.parseString(Files.readString(index)).getAsJsonObject().get("weight_map");
            if (map instanceof JsonObject o) {
                o.asMap().values().forEach(v -> names.add(v.getAsString()));
            }
        } catch (JsonParseException | IllegalStateException | UnsupportedOperationException e) {
            throw new HubException(index + " is no index of weights", e);
        }
        return names;
    }
}
