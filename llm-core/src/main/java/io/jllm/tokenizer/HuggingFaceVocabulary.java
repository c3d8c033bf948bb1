package io.jllm.tokenizer;

import com.google.gson.JsonElement;
import io.jllm.ModelLoadException;
import io.jllm.model.source.ConfigJson;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/**
 * The tokens of a Hugging Face folder: those of the model in {@code tokenizer.json}, and the added ones there, in
 * {@code added_tokens_decoder} of the configuration, and under names such as {@code bos_token}.
 */
final class HuggingFaceVocabulary {
    /** Above every vocabulary in use; a broken file must not become a huge table. */
    private static final long MAX_ID = (1 << 24) - 1;

    /** Names of tokens that stand for no text. Padding is not among them: models borrow ordinary tokens for it. */
    private static final List<String> NAMES = List.of("bos_token", "eos_token", "unk_token", "sep_token", "cls_token");

    private final Map<String, Integer> ids = new HashMap<>();
    private final Map<String, AddedToken> added = new LinkedHashMap<>();
    private final Map<String, String> named = new HashMap<>();
    private int size;

    HuggingFaceVocabulary(ConfigJson tokenizer, List<ConfigJson> configs) {
        ConfigJson model = tokenizer.object("model").orElseThrow(() -> new ModelLoadException(tokenizer.name("model") + " is missing"));
        String type = model.text("type").orElse(model.has("merges") ? "BPE" : "");
        if (!type.equals("BPE")) {
            throw new ModelLoadException(model.name("type") + " is \"" + type + "\", a kind of tokenizer that is not known here; "
                    + "known is BPE");
        }
        ConfigJson vocab = model.object("vocab").orElseThrow(() -> new ModelLoadException(model.name("vocab") + " is missing"));
        for (Map.Entry<String, JsonElement> entry : vocab.json().entrySet()) {
            put(entry.getKey(), vocab.integer(entry.getKey(), 0, MAX_ID));
        }
        for (ConfigJson token : tokenizer.objects("added_tokens")) {
            add(token, token.integer("id", 0, MAX_ID));
        }
        for (ConfigJson config : configs) {
            config.object("added_tokens_decoder").ifPresent(this::addDecoder);
            NAMES.forEach(name -> addNamed(config, name));
        }
        if (size == 0) {
            throw new ModelLoadException(model.name("vocab") + " is empty: a tokenizer needs tokens");
        }
    }

    private void put(String text, int id) {
        ids.put(text, id);
        size = Math.max(size, id + 1);
    }

    private void addDecoder(ConfigJson decoder) {
        for (String key : decoder.objectKeys()) {
            long id;
            try {
                id = Long.parseLong(key);
            } catch (NumberFormatException e) {
                throw new ModelLoadException(decoder.name(key) + " is no token id", e);
            }
            if (id < 0 || id > MAX_ID) {
                throw new ModelLoadException(decoder.name(key) + " is no token id: they are 0 to " + MAX_ID);
            }
            add(decoder.object(key).orElseThrow(), (int) id);
        }
    }

    private void add(ConfigJson token, int id) {
        String text = token.text("content").orElseThrow(() -> new ModelLoadException(token.name("content") + " is missing"));
        boolean special = token.bool("special").orElse(false);
        if (text.isEmpty()) {
            return; // is nowhere to be found
        }
        Integer known = ids.get(text); // the model's own id counts
        if (known == null) {
            put(text, id);
        }
        added.put(text, new AddedToken(known == null ? id : known, text, special, token.bool("lstrip").orElse(false),
                token.bool("rstrip").orElse(false), token.bool("single_word").orElse(false), token.bool("normalized").orElse(!special)));
    }

    /** A string, or an object as in {@code added_tokens}. The first file that names a token counts. */
    private void addNamed(ConfigJson config, String name) {
        if (!config.has(name) || named.containsKey(name)) {
            return;
        }
        String text = config.hasObject(name)
                ? config.object(name).flatMap(o -> o.text("content")).orElseThrow(() -> new ModelLoadException(
                        config.name(name) + " has no content"))
                : config.text(name).orElseThrow();
        OptionalInt id = id(text);
        if (id.isEmpty() && (name.equals("bos_token") || name.equals("eos_token"))) {
            throw new ModelLoadException(config.name(name) + " is \"" + text + "\", which is no token of tokenizer.json");
        }
        if (id.isPresent()) {
            named.put(name, text);
            added.putIfAbsent(text, AddedToken.plain(id.getAsInt(), text, true));
        }
    }

    /** The id of a token by how it is written. */
    OptionalInt id(String text) {
        Integer id = ids.get(text);
        return id == null ? OptionalInt.empty() : OptionalInt.of(id);
    }

    /** The id of a token by its role, such as {@code bos_token}. */
    OptionalInt named(String name) {
        String text = named.get(name);
        return text == null ? OptionalInt.empty() : id(text);
    }

    List<AddedToken> added() {
        return new ArrayList<>(added.values());
    }

    /** Whether a token stands for no text, and so must not come out of plain text. */
    boolean isSpecial(String text) {
        AddedToken token = added.get(text);
        return token != null && token.special();
    }

    /** The table to decode by. */
    Vocabulary table(HuggingFaceFormat format) {
        Vocabulary.Builder table = new Vocabulary.Builder(size);
        ids.forEach((text, id) -> {
            if (isSpecial(text)) {
                table.special(id, text);
            } else {
                // The byte-level alphabet is for what the model made; spaces may be written as U+2581 in any token.
                table.text(id, text, format.byteLevel() && added.containsKey(text) ? Pieces.plain(text) : format.bytes(text));
            }
        });
        return table.build();
    }
}
