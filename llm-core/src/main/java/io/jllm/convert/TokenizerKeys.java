package io.jllm.convert;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.jllm.ModelLoadException;
import io.jllm.json.JsonParts;
import io.jllm.load.LoadedModel;
import io.jllm.quant.gguf.GgufValue;
import io.jllm.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * A {@code tokenizer.json} as GGUF metadata. Byte-level BPE becomes the model {@code gpt2} with its merges and the name of its
 * pre-tokenizer; BPE over characters with byte fallback, as sentencepiece models are stored, becomes {@code llama} with scores
 * that rank as the merges do. Keys and token types are llama.cpp's ({@code llama-vocab.cpp}).
 */
final class TokenizerKeys {
    private static final int NORMAL = 1;
    private static final int UNKNOWN = 2;
    private static final int CONTROL = 3;
    private static final int USER_DEFINED = 4;
    private static final int UNUSED = 5;
    private static final int BYTE = 6;

    private static final Pattern BYTE_TOKEN = Pattern.compile("<0x[0-9A-F]{2}>");

    /** Score of single characters, which no merge makes; below that of any merge. */
    private static final double UNMERGED = -1e6;

    private final String where;
    private final JsonObject root;
    private final JsonObject model;
    private final String[] tokens;
    private final int[] types;
    private final Map<String, Integer> ids = new HashMap<>();
    private final Map<String, GgufValue> keys = new LinkedHashMap<>();

    private TokenizerKeys(Path file, int vocab) {
        where = file.toString();
        root = JsonParts.read(file);
        model = JsonParts.object(root, "model").filter(m -> JsonParts.text(m, "type").orElse("BPE").equals("BPE"))
                .orElseThrow(() -> error("is no BPE tokenizer; others cannot be written as GGUF"));
        tokens = new String[vocab];
        types = new int[vocab];
    }

    /** The keys of a folder's tokenizer; none if it has no {@code tokenizer.json}. */
    static Map<String, GgufValue> read(Path folder, LoadedModel loaded, Converter.Progress progress) throws IOException {
        if (loaded.tokenizer().isEmpty()) {
            progress.note(folder + " has no tokenizer.json: the file is written without a tokenizer");
            return Map.of();
        }
        var made = new TokenizerKeys(folder.resolve("tokenizer.json"), loaded.config().vocab());
        made.vocabulary(loaded.tokenizer().get(), progress);
        if (JsonParts.isTrue(made.model, "byte_fallback")) {
            made.characters(progress);
        } else {
            made.bytes(progress);
        }
        var config = JsonParts.read(folder.resolve("tokenizer_config.json"));
        made.special(loaded.tokenizer().get(), loaded.eos(), config, JsonParts.read(folder.resolve("config.json")));
        made.chatTemplate(folder, config);
        return made.keys;
    }

    /** Ids are the tokenizer's: those of added tokens go by their order, and other files may name some. */
    private void vocabulary(Tokenizer tokenizer, Converter.Progress progress) {
        int beyond = 0;
        var vocab = JsonParts.object(model, "vocab").orElseThrow(() -> error("has no model.vocab"));
        for (var e : vocab.entrySet()) {
            beyond += put(e.getKey(), e.getValue(), NORMAL);
        }
        var listed = new HashSet<String>();
        for (var e : JsonParts.list(root, "added_tokens")) {
            if (e instanceof JsonObject added) {
                JsonParts.text(added, "content").ifPresent(listed::add);
            }
        }
        for (int id = 0; id < tokenizer.vocabSize(); id++) {
            var token = tokenizer.token(id);
            boolean added = listed.contains(token) || !vocab.has(token) || tokenizer.isSpecial(id);
            if (added && !token.equals("[PAD" + id + "]")) {
                beyond += put(token, new JsonPrimitive(id), tokenizer.isSpecial(id) ? CONTROL : USER_DEFINED);
            }
        }
        if (beyond > 0) {
            progress.note(where + ": " + beyond + " tokens with ids past the " + tokens.length
                    + " rows of the embedding table are left out");
        }
        for (int id = 0; id < tokens.length; id++) {
            if (tokens[id] == null) {
                tokens[id] = "[PAD" + id + "]";
                types[id] = UNUSED;
            }
        }
    }

    /** 1 if the id is past the end of the table. */
    private int put(String token, JsonElement number, int type) {
        int id = JsonParts.integer(number).filter(i -> i >= 0).orElseThrow(() -> error("has the id " + number + " for token " + token));
        if (id >= tokens.length) {
            return 1;
        }
        tokens[id] = token;
        types[id] = type;
        ids.put(token, id);
        return 0;
    }

    private void bytes(Converter.Progress progress) {
        text("model", "gpt2");
        text("pre", PreTokenizerName.of(where, root.get("pre_tokenizer"), JsonParts.isTrue(model, "ignore_merges"), progress::note));
        table();
        put("merges", new GgufValue.Texts(merges().stream().map(m -> String.join(" ", m)).toList()));
    }

    private void characters(Converter.Progress progress) {
        text("model", "llama");
        JsonParts.text(model, "unk_token").map(ids::get).ifPresent(id -> types[id] = UNKNOWN);
        var scores = new double[tokens.length];
        for (int id = 0; id < tokens.length; id++) {
            if (BYTE_TOKEN.matcher(tokens[id]).matches()) {
                types[id] = BYTE;
            } else if (types[id] == NORMAL) {
                scores[id] = UNMERGED;
            }
        }
        int rank = 0;
        for (var merge : merges()) {
            int r = rank++;
            // a token that several merges make has the rank of the first
            Optional.ofNullable(ids.get(String.join("", merge))).filter(id -> scores[id] == UNMERGED)
                    .ifPresent(id -> scores[id] = -r);
        }
        int more = unlistedMerges();
        if (more > 0) {
            progress.note(where + ": " + more + " tokens can be put together in ways that are not among the merges, but will be once "
                    + "they are scores: some texts may become other tokens");
        }
        table();
        put("scores", new GgufValue.Reals(GgufValue.Type.FLOAT32, scores));
        if (!addsSpacePrefix()) {
            put("add_space_prefix", new GgufValue.Bool(false));
        }
    }

    /** Tokens that two others make up without a merge that says so: scores know no such pairs. */
    private int unlistedMerges() {
        var listed = new HashSet<>(merges());
        return (int) listed.stream().map(m -> String.join("", m)).distinct()
                .filter(token -> IntStream.range(1, token.length()).anyMatch(cut -> isPlain(token.substring(0, cut))
                        && isPlain(token.substring(cut)) && !listed.contains(List.of(token.substring(0, cut), token.substring(cut)))))
                .count();
    }

    private boolean isPlain(String token) {
        var id = ids.get(token);
        return id != null && types[id] == NORMAL;
    }

    /** Whether a space goes before a text: by a normalizer, or by a pre-tokenizer. */
    private boolean addsSpacePrefix() {
        var steps = new JsonArray();
        for (var part : List.of("normalizer", "pre_tokenizer")) {
            JsonParts.object(root, part).ifPresent(p -> {
                steps.add(p);
                JsonParts.list(p, "normalizers").forEach(steps::add);
                JsonParts.list(p, "pretokenizers").forEach(steps::add);
            });
        }
        return steps.asList().stream().anyMatch(s -> s instanceof JsonObject o && switch (JsonParts.text(o, "type").orElse("")) {
            case "Prepend" -> true;
            case "Metaspace" -> JsonParts.text(o, "prepend_scheme").map(scheme -> !scheme.equals("never"))
                    .orElse(!o.has("add_prefix_space") || JsonParts.isTrue(o, "add_prefix_space"));
            default -> false;
        });
    }

    private void table() {
        put("tokens", new GgufValue.Texts(Arrays.asList(tokens)));
        put("token_type", new GgufValue.Ints(GgufValue.Type.INT32, Arrays.stream(types).asLongStream().toArray()));
    }

    /** Pairs, as lists of two or as text with a space between. */
    private List<List<String>> merges() {
        return JsonParts.list(model, "merges").stream().map(e -> {
            if (e instanceof JsonArray a && a.size() == 2 && isText(a.get(0)) && isText(a.get(1))) {
                return List.of(a.get(0).getAsString(), a.get(1).getAsString());
            }
            int space = isText(e) ? e.getAsString().indexOf(' ', 1) : -1;
            if (space < 0) {
                throw error("has the merge " + e + "; a merge is two tokens");
            }
            return List.of(e.getAsString().substring(0, space), e.getAsString().substring(space + 1));
        }).toList();
    }

    private static boolean isText(JsonElement e) {
        return e instanceof JsonPrimitive p && p.isString();
    }

    private void special(Tokenizer tokenizer, Set<Integer> ends, JsonObject config, JsonObject model) {
        tokenizer.bos().ifPresent(id -> token("bos", id));
        var eos = named(config, "eos_token").or(() -> first(model.get("eos_token_id"))).or(() -> ends.stream().min(Integer::compare));
        eos.ifPresent(id -> token("eos", id));
        var more = ends.stream().filter(id -> !id.equals(eos.orElse(-1))).sorted().toList();
        if (!more.isEmpty()) {
            token("eot", more.getLast());
        }
        if (more.size() > 1) {
            token("eom", more.getFirst());
        }
        JsonParts.text(this.model, "unk_token").map(ids::get).or(() -> named(config, "unk_token")).ifPresent(id -> token("unknown", id));
        named(config, "pad_token").ifPresent(id -> token("padding", id));
        put("add_bos_token", new GgufValue.Bool(tokenizer.addsBos()));
        if (JsonParts.isTrue(config, "add_eos_token")) {
            put("add_eos_token", new GgufValue.Bool(true));
        }
    }

    private Optional<Integer> first(JsonElement ids) {
        return JsonParts.integer(ids instanceof JsonArray a && !a.isEmpty() ? a.get(0) : ids).filter(id -> id >= 0 && id < tokens.length);
    }

    /** A special token of {@code tokenizer_config.json}: its text, or an object that has it. */
    private Optional<Integer> named(JsonObject config, String key) {
        return JsonParts.text(config, key).or(() -> JsonParts.object(config, key).flatMap(o -> JsonParts.text(o, "content"))).map(ids::get);
    }

    private void token(String name, int id) {
        put(name + "_token_id", new GgufValue.Int(GgufValue.Type.UINT32, id));
    }

    /** Its own file wins; where there are several templates, the one named default. */
    private void chatTemplate(Path folder, JsonObject config) throws IOException {
        var file = folder.resolve("chat_template.jinja");
        var template = Files.exists(file) ? Optional.of(Files.readString(file))
                : JsonParts.text(config, "chat_template").or(() -> JsonParts.list(config, "chat_template").stream()
                        .filter(t -> t instanceof JsonObject o && JsonParts.text(o, "name").orElse("").equals("default"))
                        .findFirst().flatMap(t -> JsonParts.text((JsonObject) t, "template")));
        template.ifPresent(t -> keys.put("tokenizer.chat_template", new GgufValue.Text(t)));
    }

    private void text(String key, String value) {
        put(key, new GgufValue.Text(value));
    }

    private void put(String key, GgufValue value) {
        keys.put("tokenizer.ggml." + key, value);
    }

    private ModelLoadException error(String problem) {
        return new ModelLoadException(where + " " + problem);
    }
}
