package io.jllm.tokenizer.source;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.jllm.ModelLoadException;
import io.jllm.json.ConfigJson;
import io.jllm.tokenizer.subword.AddedToken;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What the files beside {@code tokenizer.json} say of its tokens: {@code tokenizer_config.json}, and where that has no
 * {@code added_tokens_decoder} the older {@code special_tokens_map.json} and {@code added_tokens.json}. Source: transformers 5
 * ({@code PreTrainedTokenizerBase._from_pretrained}, {@code TokenizersBackend}).
 *
 * @param decoder tokens to add, with the ids that the files give them, in their order
 * @param named tokens by role, such as {@code bos_token}; standard roles first, in their order
 * @param extra further special tokens
 * @param config the {@code tokenizer_config.json}
 */
public record SpecialTokens(List<AddedToken> decoder, Map<String, AddedToken> named, List<AddedToken> extra, Optional<ConfigJson> config) {
    private static final List<String> ROLES = List.of("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token",
            "mask_token");
    private static final String EXTRA = "extra_special_tokens";
    private static final String FORMER_EXTRA = "additional_special_tokens";
    private static final String DECODER = "added_tokens_decoder";

    /** Those of a folder. */
    public static SpecialTokens read(Path folder) {
        Optional<ConfigJson> config = ConfigJson.read(folder.resolve("tokenizer_config.json"));
        Map<String, AddedToken> roles = new LinkedHashMap<>();
        List<AddedToken> extra = new ArrayList<>();
        boolean hasDecoder = config.isPresent() && config.get().hasObject(DECODER);
        config.ifPresent(c -> {
            roles(c, roles);
            extra.addAll(extra(c, roles));
        });
        SortedMap<Long, AddedToken> decoder = new TreeMap<>();
        if (hasDecoder) {
            decoder(config.get().object(DECODER).orElseThrow(), decoder);
        } else {
            ConfigJson.read(folder.resolve("special_tokens_map.json")).ifPresent(map -> {
                roles(map, roles);
                roles.replaceAll((role, token) -> map.has(role) ? token.asSpecial() : token);
                for (AddedToken token : extra(map, roles)) {
                    if (extra.stream().noneMatch(t -> t.text().equals(token.text()))) {
                        extra.add(token.asSpecial());
                    }
                }
            });
            ConfigJson.read(folder.resolve("added_tokens.json")).ifPresent(added -> {
                for (String text : added.json().keySet()) {
                    boolean special = roles.values().stream().anyMatch(t -> t.text().equals(text))
                            || extra.stream().anyMatch(t -> t.text().equals(text));
                    int id = added.integer(text, 0, AddedToken.MAX_ID);
                    decoder.put((long) id, new AddedToken(id, text, special, false, false, false, !special));
                }
            });
        }
        Map<String, AddedToken> named = new LinkedHashMap<>();
        ROLES.stream().filter(roles::containsKey).forEach(role -> named.put(role, roles.get(role)));
        roles.forEach(named::putIfAbsent);
        return new SpecialTokens(List.copyOf(decoder.values()), named, extra, config);
    }

    /** With tokens for roles that the files name none for, as the class of a tokenizer has them. */
    SpecialTokens orElse(Map<String, String> defaults) {
        Map<String, AddedToken> all = new LinkedHashMap<>(named);
        defaults.forEach((role, text) -> {
            if (config.isEmpty() || !config.get().mentions(role)) { // null is a choice
                all.putIfAbsent(role, AddedToken.special(text));
            }
        });
        return new SpecialTokens(decoder, all, extra, config);
    }

    /** The class of the tokenizer, as {@code tokenizer_config.json} names it. */
    Optional<String> tokenizerClass() {
        return config.flatMap(c -> c.text("tokenizer_class"));
    }

    private static void decoder(ConfigJson json, SortedMap<Long, AddedToken> to) {
        for (String key : json.objectKeys()) {
            long id;
            try {
                id = Long.parseLong(key);
            } catch (NumberFormatException e) {
                throw new ModelLoadException(json.name(key) + " is no token id", e);
            }
            if (id < 0 || id > AddedToken.MAX_ID) {
                throw new ModelLoadException(json.name(key) + " is no token id: they are 0 to " + AddedToken.MAX_ID);
            }
            to.put(id, AddedToken.of(json.object(key).orElseThrow()).withId((int) id));
        }
    }

    /** Every key that ends so, if it holds a string or an object of a token; flags such as {@code add_bos_token} do neither. */
    private static void roles(ConfigJson json, Map<String, AddedToken> roles) {
        for (String key : json.json().keySet()) {
            if (key.endsWith("_token")) {
                token(json.name(key), json.json().get(key)).ifPresent(token -> roles.put(key, token));
            }
        }
    }

    private static Optional<AddedToken> token(String where, JsonElement value) {
        return switch (value) {
            case JsonPrimitive p when p.isString() -> Optional.of(AddedToken.special(p.getAsString()));
            case JsonObject o when !o.has("content") -> throw new ModelLoadException(where + " has no content");
            case JsonObject o -> Optional.of(AddedToken.of(ConfigJson.parse(where, o.toString())));
            default -> Optional.empty();
        };
    }

    /** A list of tokens, or an object of roles and tokens, under its present name or else its former one. */
    private static List<AddedToken> extra(ConfigJson json, Map<String, AddedToken> roles) {
        String key = isEmpty(json.json().get(EXTRA)) ? FORMER_EXTRA : EXTRA;
        JsonElement value = json.json().get(key);
        if (isEmpty(value)) {
            return List.of();
        }
        switch (value) {
            case JsonObject o -> {
                o.keySet().forEach(role -> token(json.name(key), o.get(role)).ifPresent(token -> roles.put(role, token)));
                return List.of();
            }
            case JsonArray a -> {
                return a.asList().stream().map(e -> token(json.name(key), e).orElseThrow(() -> notTokens(json, key, e))).toList();
            }
            default -> throw notTokens(json, key, value);
        }
    }

    private static ModelLoadException notTokens(ConfigJson json, String key, JsonElement value) {
        return new ModelLoadException(json.name(key) + " holds " + value + ": it must be a list of tokens, or an object of names and tokens");
    }

    private static boolean isEmpty(JsonElement value) {
        return value == null || value.isJsonNull() || value instanceof JsonArray a && a.isEmpty();
    }

    /** Whether the configuration has a flag, and it is true. */
    public boolean flag(String key) {
        return config.flatMap(c -> c.bool(key)).orElse(false);
    }
}
