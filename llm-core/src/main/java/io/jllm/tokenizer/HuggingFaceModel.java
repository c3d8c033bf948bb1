package io.jllm.tokenizer;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.jllm.ModelLoadException;
import io.jllm.model.source.ConfigJson;
import java.util.List;
import java.util.Optional;

/** Makes the {@code tokenizer.json} that the native tokenizer gets: without added tokens, and what is done on this side. */
final class HuggingFaceModel {
    private HuggingFaceModel() {
    }

    static String json(ConfigJson tokenizer, HuggingFaceVocabulary vocabulary, HuggingFaceFormat format) {
        JsonObject json = new JsonObject();
        json.addProperty("version", "1.0");
        json.add("added_tokens", new JsonArray());
        json.add("normalizer", format.normalizer().isPresent() ? JsonNull.INSTANCE : orNull(tokenizer.json().get("normalizer")));
        json.add("pre_tokenizer", preTokenizer(orNull(tokenizer.json().get("pre_tokenizer")), format));
        json.add("model", model(tokenizer.object("model").orElseThrow(), vocabulary));
        return json.toString();
    }

    private static JsonElement orNull(JsonElement element) {
        return element == null ? JsonNull.INSTANCE : element;
    }

    /** The prefix of a text's first piece is put there on this side: the native tokenizer takes every piece for the first. */
    private static JsonElement preTokenizer(JsonElement preTokenizer, HuggingFaceFormat format) {
        if (format.firstPrefix().isEmpty()) {
            return preTokenizer;
        }
        JsonObject metaspace = preTokenizer.deepCopy().getAsJsonObject();
        JsonObject step = metaspace.has("pretokenizers") ? metaspace.getAsJsonArray("pretokenizers").get(0).getAsJsonObject() : metaspace;
        step.addProperty("prepend_scheme", "never");
        return metaspace;
    }

    /** Only what is known goes through, checked: the native library takes the whole process down on some mistakes. */
    private static JsonObject model(ConfigJson model, HuggingFaceVocabulary vocabulary) {
        for (String key : List.of("continuing_subword_prefix", "end_of_word_suffix")) {
            if (!model.text(key).orElse("").isEmpty()) {
                throw new ModelLoadException(model.name(key) + " is \"" + model.text(key).get() + "\": words that are marked so are not "
                        + "known here");
            }
        }
        JsonObject all = model.object("vocab").orElseThrow().json();
        JsonObject result = new JsonObject();
        result.addProperty("type", "BPE");
        Optional<String> unknown = model.text("unk_token");
        unknown.ifPresent(u -> {
            if (!all.has(u)) {
                throw new ModelLoadException(model.name("unk_token") + " is \"" + u + "\", which is not in vocab");
            }
            result.addProperty("unk_token", u);
        });
        for (String key : List.of("byte_fallback", "fuse_unk", "ignore_merges")) {
            result.addProperty(key, model.bool(key).orElse(false));
        }
        JsonObject vocab = new JsonObject();
        all.entrySet().forEach(e -> {
            if (!isHidden(e.getKey(), vocabulary) || e.getKey().equals(unknown.orElse(""))) {
                vocab.add(e.getKey(), e.getValue());
            }
        });
        result.add("vocab", vocab);
        result.add("merges", merges(model, all, vocabulary));
        return result;
    }

    /** Special tokens are kept from coming out of plain text; one of a single character may be needed for the text around it. */
    private static boolean isHidden(String token, HuggingFaceVocabulary vocabulary) {
        return vocabulary.isSpecial(token) && token.codePointCount(0, token.length()) > 1;
    }

    private static JsonArray merges(ConfigJson model, JsonObject vocab, HuggingFaceVocabulary vocabulary) {
        if (!(model.json().get("merges") instanceof JsonArray list)) {
            throw new ModelLoadException(model.name("merges") + " must be a list of pairs of tokens");
        }
        JsonArray merges = new JsonArray(list.size());
        for (JsonElement merge : list) {
            List<String> pair = pair(merge);
            if (pair.size() != 2) {
                throw new ModelLoadException(model.name("merges") + " holds " + merge + ": a merge is two tokens");
            }
            List<String> tokens = List.of(pair.get(0), pair.get(1), pair.get(0) + pair.get(1));
            for (String token : tokens) {
                if (!vocab.has(token)) {
                    throw new ModelLoadException(model.name("merges") + " holds " + merge + ", but \"" + token + "\" is not in vocab");
                }
            }
            if (tokens.stream().noneMatch(token -> isHidden(token, vocabulary))) {
                merges.add(merge);
            }
        }
        return merges;
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
