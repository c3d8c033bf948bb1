package io.jllm.hub;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** What Ollama has pulled onto this machine: its manifests name the blob that is the GGUF file. */
final class Ollama {
    private static final String MODEL = "application/vnd.ollama.image.model";
    private static final String DIGEST = "sha256:[0-9a-f]{64}";

    private Ollama() {
    }

    /**
     * The file of a model.
     *
     * @throws HubException if it was not pulled
     */
    static Path find(HubName name, Path models) throws IOException {
        String id = name.id().contains("/") ? name.id() : "library/" + name.id();
        Path manifest = models.resolve("manifests/registry.ollama.ai").resolve(id).resolve(name.choice().orElse("latest"));
        if (!Files.isRegularFile(manifest)) {
            throw new HubException(name + " is not among the models that Ollama has pulled (" + manifest + " is missing): ollama pull "
                    + name.id() + name.choice().map(c -> ":" + c).orElse(""));
        }
        Path blob = digest(manifest).map(d -> models.resolve("blobs").resolve(d.replace(':', '-')))
                .orElseThrow(() -> new HubException(manifest + " names no model"));
        if (!Files.isRegularFile(blob)) {
            throw new HubException(name + ": Ollama's file " + blob + " is missing: ollama pull " + name.id());
        }
        return blob;
    }

    private static Optional<String> digest(Path manifest) throws IOException {
        try {
            JsonObject json = JsonParser.parseString(Files.readString(manifest)).getAsJsonObject();
            for (JsonElement layer : json.getAsJsonArray("layers")) {
                JsonObject o = layer.getAsJsonObject();
                if (MODEL.equals(o.get("mediaType").getAsString()) && o.get("digest").getAsString().matches(DIGEST)) {
                    return Optional.of(o.get("digest").getAsString());
                }
            }
            return Optional.empty();
        } catch (JsonParseException | IllegalStateException | NullPointerException | ClassCastException | UnsupportedOperationException e) {
            throw new HubException(manifest + " is no manifest of Ollama's", e);
        }
    }
}
