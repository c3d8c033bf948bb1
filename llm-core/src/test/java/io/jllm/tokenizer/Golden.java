package io.jllm.tokenizer;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.jllm.quant.gguf.GgufMetadata;
import io.jllm.quant.gguf.GgufValue;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Tiny vocabularies with the ids that others give; how they were made: {@code io/jllm/tokenizers/README.md} among the test resources. */
public final class Golden {
    public static final List<String> FOLDERS = List.of("byte-level", "sentence-piece", "metaspace");
    public static final List<String> GGUFS = List.of("gguf-byte-level", "gguf-sentence-piece", "gguf-unigram");

    /**
     * A text of a Hugging Face tokenizer.
     *
     * @param ids with special tokens parsed
     * @param idsWithBos so, and with what the template puts around it
     * @param idsWithoutSpecial with special tokens as plain text
     * @param decoded the text of {@code ids}
     */
    public record Case(String text, int[] ids, int[] idsWithBos, int[] idsWithoutSpecial, String decoded) {
    }

    /** A text of llama.cpp's tokenizer: ids with BOS as the metadata wants it, special tokens parsed or not. */
    public record GgufCase(String text, int[] ids, int[] idsWithoutSpecial) {
    }

    /** A vocabulary with some keys of its own. */
    public record Variant(GgufMetadata metadata, List<GgufCase> cases) {
    }

    private record Cases(List<Case> cases) {
    }

    /** Texts under the names of pre-tokenizers, of vocabularies by name. */
    public record PreTokenizers(List<String> texts, List<PreTokenizerCase> cases, Map<String, Map<String, GgufValue>> vocabularies) {
        /** The keys of a vocabulary, to be changed. */
        public Map<String, GgufValue> metadata(String vocabulary) {
            return new LinkedHashMap<>(vocabularies.get(vocabulary));
        }
    }

    /**
     * Names that stand for the same.
     *
     * @param ids of each text; null where llama.cpp gives none
     */
    public record PreTokenizerCase(List<String> names, String vocabulary, List<int[]> ids) {
    }

    private Golden() {
    }

    public static Path folder(String name) {
        try {
            return Path.of(Golden.class.getResource("/io/jllm/tokenizers/" + name + "/tokenizer.json").toURI()).getParent();
        } catch (URISyntaxException e) {
            throw new AssertionError(e);
        }
    }

    public static List<Case> cases(String folder) {
        return read(folder + "/cases.json", Cases.class).cases;
    }

    public static List<Variant> variants(String name) {
        JsonObject file = read(name + ".json", JsonObject.class);
        Map<String, GgufValue> base = entries(file.getAsJsonObject("metadata"));
        List<Variant> variants = new ArrayList<>();
        for (JsonElement variant : file.getAsJsonArray("variants")) {
            Map<String, GgufValue> entries = new LinkedHashMap<>(base);
            entries.putAll(entries(variant.getAsJsonObject().getAsJsonObject("metadata")));
            List<GgufCase> cases = variant.getAsJsonObject().getAsJsonArray("cases").asList().stream()
                    .map(c -> new Gson().fromJson(c, GgufCase.class)).toList();
            variants.add(new Variant(new GgufMetadata(entries), cases));
        }
        return variants;
    }

    public static PreTokenizers preTokenizers() {
        JsonObject file = read("pre-tokenizers.json", JsonObject.class);
        Map<String, Map<String, GgufValue>> vocabularies = new LinkedHashMap<>();
        file.getAsJsonObject("vocabularies").entrySet().forEach(e -> vocabularies.put(e.getKey(), entries(e.getValue().getAsJsonObject())));
        List<PreTokenizerCase> cases = file.getAsJsonArray("cases").asList().stream()
                .map(c -> new Gson().fromJson(c, PreTokenizerCase.class)).toList();
        return new PreTokenizers(file.getAsJsonArray("texts").asList().stream().map(JsonElement::getAsString).toList(), cases, vocabularies);
    }

    /** The keys of a vocabulary, to be changed. */
    public static Map<String, GgufValue> metadata(String name) {
        return new LinkedHashMap<>(variants(name).getFirst().metadata().entries());
    }

    private static Map<String, GgufValue> entries(JsonObject json) {
        Map<String, GgufValue> entries = new LinkedHashMap<>();
        json.entrySet().forEach(e -> entries.put("tokenizer.ggml." + e.getKey(), value(e.getKey(), e.getValue())));
        return entries;
    }

    private static GgufValue value(String key, JsonElement json) {
        if (json instanceof JsonArray a) {
            return switch (key) {
                case "token_type" -> new GgufValue.Ints(GgufValue.Type.INT32, a.asList().stream().mapToLong(JsonElement::getAsLong).toArray());
                case "precompiled_charsmap" -> new GgufValue.Ints(GgufValue.Type.UINT8,
                        a.asList().stream().mapToLong(JsonElement::getAsLong).toArray());
                case "scores" -> new GgufValue.Reals(GgufValue.Type.FLOAT32,
                        a.asList().stream().mapToDouble(JsonElement::getAsDouble).toArray());
                default -> new GgufValue.Texts(a.asList().stream().map(JsonElement::getAsString).toList());
            };
        }
        var primitive = json.getAsJsonPrimitive();
        return primitive.isBoolean() ? new GgufValue.Bool(primitive.getAsBoolean())
                : primitive.isNumber() ? new GgufValue.Int(GgufValue.Type.UINT32, primitive.getAsLong())
                : new GgufValue.Text(primitive.getAsString());
    }

    private static <T> T read(String name, Class<T> type) {
        try (Reader in = new InputStreamReader(Golden.class.getResourceAsStream("/io/jllm/tokenizers/" + name), StandardCharsets.UTF_8)) {
            return new Gson().fromJson(in, type);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
