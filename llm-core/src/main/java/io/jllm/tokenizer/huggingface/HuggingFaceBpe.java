package io.jllm.tokenizer.huggingface;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.jllm.ModelLoadException;
import io.jllm.json.ConfigJson;
import io.jllm.tokenizer.subword.Vocabulary;
import io.jllm.tokenizer.bpe.BpeBuilder;
import io.jllm.tokenizer.bpe.BpeModel;
import java.util.List;
import java.util.Optional;

/** Reads the {@code model} of a {@code tokenizer.json}. Special tokens are left out: no plain text becomes one. */
final class HuggingFaceBpe {
    private final ConfigJson model;
    private final JsonObject vocab;
    private final HuggingFaceVocabulary vocabulary;

    HuggingFaceBpe(ConfigJson tokenizer, HuggingFaceVocabulary vocabulary) {
        model = tokenizer.object("model").orElseThrow();
        vocab = model.object("vocab").orElseThrow().json();
        this.vocabulary = vocabulary;
    }

    /** @param table of the same vocabulary */
    BpeModel model(Vocabulary table) {
        for (String key : List.of("continuing_subword_prefix", "end_of_word_suffix")) {
            if (!model.text(key).orElse("").isEmpty()) {
                throw new ModelLoadException(model.name(key) + " is \"" + model.text(key).get() + "\": words that are marked so are not "
                        + "known here");
            }
        }
        if (!(model.json().get("merges") instanceof JsonArray merges)) {
            throw new ModelLoadException(model.name("merges") + " must be a list of pairs of tokens");
        }
        var builder = new BpeBuilder(table.size(), merges.size());
        Optional<String> unknown = model.text("unk_token");
        for (String token : vocab.keySet()) {
            if (!isHidden(token) || token.equals(unknown.orElse(""))) {
                builder.token(token, vocabulary.modelId(token));
            }
        }
        if (model.bool("byte_fallback").orElse(false)) {
            for (int b = 0; b < 256; b++) {
                String token = "<0x%02X>".formatted(b);
                if (vocabulary.isInModel(token)) {
                    builder.byteToken(b, vocabulary.modelId(token));
                }
            }
        }
        unknown.ifPresent(token -> {
            if (!vocabulary.isInModel(token)) {
                throw new ModelLoadException(model.name("unk_token") + " is \"" + token + "\", which is not in vocab");
            }
            builder.unknown(vocabulary.modelId(token), model.bool("fuse_unk").orElse(false));
        });
        if (model.bool("ignore_merges").orElse(false)) {
            var index = table.index(id -> vocabulary.isInModel(table.text(id)) && !isHidden(table.text(id)));
            builder.takeWhole(index::find);
        }
        for (int i = 0; i < merges.size(); i++) {
            merge(builder, merges.get(i), i);
        }
        return builder.build();
    }

    /** Special tokens are kept from coming out of plain text; one of a single character may be needed for the text around it. */
    private boolean isHidden(String token) {
        return vocabulary.isSpecial(token) && token.codePointCount(0, token.length()) > 1;
    }

    private void merge(BpeBuilder builder, JsonElement merge, int rank) {
        List<String> pair = pair(merge);
        if (pair.size() != 2 || pair.get(0).isEmpty() || pair.get(1).isEmpty()) {
            throw new ModelLoadException(model.name("merges") + " holds " + merge + ": a merge is two tokens");
        }
        String left = pair.get(0);
        String right = pair.get(1);
        String whole = left + right;
        for (String token : List.of(left, right, whole)) {
            if (!vocabulary.isInModel(token)) {
                throw new ModelLoadException(model.name("merges") + " holds " + merge + ", but \"" + token + "\" is not in vocab");
            }
        }
        if (!isHidden(left) && !isHidden(right) && !isHidden(whole)) { // of equal ones the last counts
            builder.merge(left, vocabulary.modelId(left), right, vocabulary.modelId(right), rank, vocabulary.modelId(whole), true);
        }
    }

    /** Written {@code "a b"} or {@code ["a", "b"]}. */
    private static List<String> pair(JsonElement merge) {
        return switch (merge) {
            case JsonPrimitive p when p.isString() -> List.of(p.getAsString().split(" ", -1));
            case JsonArray a when a.asList().stream().allMatch(JsonElement::isJsonPrimitive) ->
                a.asList().stream().map(JsonElement::getAsString).toList();
            default -> List.of();
        };
    }
}
