package io.jllm.tokenizer;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.jllm.tokenizer.sentencepiece.SentencePieceModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;

/** The pieces and the table of a SentencePiece model of the kind unigram, as its converters put them into a {@code tokenizer.json}. */
public final class UnigramJson {
    /** Puts a space before each text and cuts it before spaces. */
    public static final String METASPACE = object("\"Metaspace\", \"replacement\": \"\u2581\", \"prepend_scheme\": \"always\", \"split\": true");
    /** T5's and XLM-R's: words, each with a space before it. */
    public static final String WORDS = object("\"Sequence\", \"pretokenizers\": [" + object("\"WhitespaceSplit\"") + ", " + METASPACE + "]");
    /** The model's own table. */
    public static final String PRECOMPILED = "{\"type\": \"Precompiled\", \"precompiled_charsmap\": \"TABLE\"}";
    /** Makes several spaces one. */
    public static final String ONE_SPACE = "{\"type\": \"Replace\", \"pattern\": {\"Regex\": \" {2,}\"}, \"content\": \" \"}";

    private UnigramJson() {
    }

    /** A step of a kind, which may have other members behind it. */
    public static String object(String type) {
        return "{\"type\": " + type + "}";
    }

    /**
     * Writes one in the place of the {@code tokenizer.model} of one of {@link GoldenFiles}.
     *
     * @param steps of the normalizer, with commas between; TABLE in them is the model's table of characters
     */
    public static JsonObject write(String name, Path folder, String steps, String preTokenizer, boolean byteFallback) throws IOException {
        GoldenFiles.unpack(name, folder);
        SentencePieceModel model = SentencePieceModel.read(name, Files.readAllBytes(folder.resolve("tokenizer.model")));
        Files.delete(folder.resolve("tokenizer.model"));
        String table = model.charsmap().map(m -> Base64.getEncoder().encodeToString(m.toBytes())).orElse("");
        JsonArray vocab = new JsonArray();
        JsonArray added = new JsonArray();
        for (int id = 0; id < model.pieces().size(); id++) {
            var piece = model.pieces().get(id);
            JsonArray entry = new JsonArray();
            entry.add(piece.text());
            entry.add(piece.score());
            vocab.add(entry);
            if (piece.kind() == SentencePieceModel.Kind.CONTROL || piece.kind() == SentencePieceModel.Kind.UNKNOWN) {
                added.add(JsonParser.parseString("{\"id\": " + id + ", \"content\": \"" + piece.text() + "\", \"single_word\": false, "
                        + "\"lstrip\": false, \"rstrip\": false, \"normalized\": false, \"special\": true}"));
            }
        }
        JsonObject json = JsonParser.parseString("{\"version\": \"1.0\", \"truncation\": null, \"padding\": null, \"post_processor\": null, "
                + "\"normalizer\": {\"type\": \"Sequence\", \"normalizers\": [" + steps.replace("TABLE", table) + "]}, "
                + "\"pre_tokenizer\": " + preTokenizer + ", \"decoder\": {\"type\": \"Metaspace\", \"replacement\": \"\u2581\", "
                + "\"prepend_scheme\": \"always\", \"split\": true}, \"model\": {\"type\": \"Unigram\", \"unk_id\": " + model.unknown()
                + ", \"byte_fallback\": " + byteFallback + "}}").getAsJsonObject();
        json.getAsJsonObject("model").add("vocab", vocab);
        json.add("added_tokens", added);
        Files.writeString(folder.resolve("tokenizer.json"), json.toString());
        return json;
    }
}
