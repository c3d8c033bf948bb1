package io.jllm.convert;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.jllm.ModelLoadException;
import io.jllm.json.ConfigJson;
import io.jllm.json.JsonParts;
import io.jllm.load.LoadedModel;
import io.jllm.quant.gguf.GgufValue;
import io.jllm.tokenizer.Tokenizer;
import io.jllm.tokenizer.sentencepiece.SentencePieceModel;
import io.jllm.tokenizer.source.TokenizerSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * The tokenizer of a folder as GGUF metadata. Byte-level BPE becomes the model {@code gpt2} with its merges and the name of its
 * pre-tokenizer; SentencePiece models of the kind unigram become {@code t5}; those of the kind BPE, and BPE over characters with byte
 * fallback, as a {@code tokenizer.json} stores them, become {@code llama} with scores, which rank as the merges do.
 * Keys and token types are llama.cpp's ({@code llama-vocab.cpp}).
 */
final class TokenizerKeys {
    private static final Pattern BYTE_TOKEN = Pattern.compile("<0x[0-9A-F]{2}>");

    /** Score of single characters, which no merge makes; below that of any merge. */
    private static final double UNMERGED = -1e6;
    /** So many keys for tokens that end a generation are there besides that of the end of sequence. */
    private static final int MORE_ENDS = 2;

    private final TokenizerSource source;
    private final String where;
    private final Tokenizer tokenizer;
    private final Converter.Progress progress;
    private final TokenTable table;
    private final Map<String, GgufValue> keys = new LinkedHashMap<>();

    private TokenizerKeys(TokenizerSource source, Tokenizer tokenizer, int rows, Converter.Progress progress) {
        this.source = source;
        where = source.file().toString();
        this.tokenizer = tokenizer;
        this.progress = progress;
        table = new TokenTable(rows);
    }

    /** The keys of a folder's tokenizer; none if it has none. */
    static Map<String, GgufValue> read(Path folder, LoadedModel loaded, Converter.Progress progress) throws IOException {
        if (loaded.tokenizer().isEmpty()) {
            progress.note(folder + " has no tokenizer.json, nor another file of a tokenizer: the file is written without a tokenizer");
            return Map.of();
        }
        return read(folder, loaded.tokenizer().get(), loaded.eos(), loaded.config().vocab(), progress);
    }

    /**
     * The keys of a folder's tokenizer.
     *
     * @param ends tokens that end a generation
     * @param rows of the embedding table
     */
    static Map<String, GgufValue> read(Path folder, Tokenizer tokenizer, Set<Integer> ends, int rows, Converter.Progress progress)
            throws IOException {
        var made = new TokenizerKeys(TokenizerSource.read(folder), tokenizer, rows, progress);
        Optional<Integer> unknown = switch (made.source) {
            case TokenizerSource.Json json -> made.json(json.json().json());
            case TokenizerSource.Pieces pieces -> made.pieces(pieces);
        };
        if (made.table.beyond() > 0) {
            progress.note(made.where + ": " + made.table.beyond() + " tokens with ids past the " + made.table.rows()
                    + " rows of the embedding table are left out");
        }
        made.special(ends, unknown, JsonParts.read(folder.resolve("config.json")));
        made.chatTemplate(folder);
        return made.keys;
    }

    /** Writes a SentencePiece model; tells which token is unknown. */
    private Optional<Integer> pieces(TokenizerSource.Pieces pieces) {
        var model = pieces.model();
        var scores = PieceKeys.fill(table, model, tokenizer);
        PieceKeys.note(pieces, progress);
        text("model", switch (model.type()) {
            case BPE -> "llama";
            case UNIGRAM -> "t5";
        });
        scored(scores, pieces.spacePrefix());
        if (model.type() == SentencePieceModel.Type.UNIGRAM) {
            PieceKeys.normalizer(model).forEach(this::put);
            put("add_space_prefix", new GgufValue.Bool(pieces.spacePrefix())); // whose default is another for this kind
        }
        return Optional.of(model.unknown()).filter(id -> id < table.rows());
    }

    private void scored(double[] scores, boolean spacePrefix) {
        table();
        put("scores", new GgufValue.Reals(GgufValue.Type.FLOAT32, scores));
        if (!spacePrefix) {
            put("add_space_prefix", new GgufValue.Bool(false));
        }
    }

    /** Writes a {@code tokenizer.json}; tells which token is unknown. */
    private Optional<Integer> json(JsonObject root) {
        var model = JsonParts.object(root, "model").filter(m -> JsonParts.text(m, "type").orElse("BPE").equals("BPE"))
                .orElseThrow(() -> error("is no BPE tokenizer; others cannot be written as GGUF: put the tokenizer.model that it was made of "
                        + "in its place"));
        vocabulary(root, model);
        Optional<Integer> unknown = JsonParts.text(model, "unk_token").map(table::id);
        if (JsonParts.isTrue(model, "byte_fallback")) {
            unknown.ifPresent(id -> table.setType(id, TokenTable.UNKNOWN));
            characters(root, model);
        } else {
            bytes(root, model);
        }
        return unknown;
    }

    /** Ids are the tokenizer's: those of added tokens go by their order, and other files may name some. */
    private void vocabulary(JsonObject root, JsonObject model) {
        var vocab = JsonParts.object(model, "vocab").orElseThrow(() -> error("has no model.vocab"));
        for (var e : vocab.entrySet()) {
            int id = JsonParts.integer(e.getValue()).filter(i -> i >= 0)
                    .orElseThrow(() -> error("has the id " + e.getValue() + " for token " + e.getKey()));
            table.put(id, e.getKey(), TokenTable.NORMAL);
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
            if (added && !token.equals(TokenTable.padding(id))) {
                table.putAdded(id, tokenizer);
            }
        }
        table.fill();
    }

    private void bytes(JsonObject root, JsonObject model) {
        JsonParts.object(root, "normalizer").filter(n -> !n.has("normalizers") || !JsonParts.list(n, "normalizers").isEmpty())
                .ifPresent(n -> progress.note(where + ": its normalizer, " + n + ", is not applied by readers of GGUF files: texts that it changes "
                        + "may become other tokens"));
        text("model", "gpt2");
        text("pre", PreTokenizerName.of(where, root.get("pre_tokenizer"), JsonParts.isTrue(model, "ignore_merges"), progress::note));
        table();
        put("merges", new GgufValue.Texts(merges(model).stream().map(m -> String.join(" ", m)).toList()));
    }

    private void characters(JsonObject root, JsonObject model) {
        text("model", "llama");
        var scores = new double[table.rows()];
        for (int id = 0; id < scores.length; id++) {
            if (BYTE_TOKEN.matcher(table.token(id)).matches()) {
                table.setType(id, TokenTable.BYTE);
            } else if (table.type(id) == TokenTable.NORMAL) {
                scores[id] = UNMERGED;
            }
        }
        int rank = 0;
        var merges = merges(model);
        for (var merge : merges) {
            int r = rank++;
            // a token that several merges make has the rank of the first
            Optional.ofNullable(table.id(String.join("", merge))).filter(id -> scores[id] == UNMERGED)
                    .ifPresent(id -> scores[id] = -r);
        }
        int more = unlisted(new HashSet<>(merges));
        if (more > 0) {
            progress.note(where + ": " + more + " tokens can be put together in ways that are not among the merges, but will be once "
                    + "they are scores: some texts may become other tokens");
        }
        scored(scores, PieceKeys.addsSpacePrefix(root));
    }

    /** Tokens that two others make up without a merge that says so: scores know no such pairs. */
    private int unlisted(Set<List<String>> listed) {
        return (int) listed.stream().map(m -> String.join("", m)).distinct()
                .filter(token -> IntStream.range(1, token.length()).anyMatch(cut -> isPlain(token.substring(0, cut))
                        && isPlain(token.substring(cut)) && !listed.contains(List.of(token.substring(0, cut), token.substring(cut)))))
                .count();
    }

    private boolean isPlain(String token) {
        var id = table.id(token);
        return id != null && table.type(id) == TokenTable.NORMAL;
    }

    private void table() {
        put("tokens", table.tokens());
        put("token_type", table.types());
    }

    /** Pairs, as lists of two or as text with a space between. */
    private List<List<String>> merges(JsonObject model) {
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

    private void special(Set<Integer> ends, Optional<Integer> unknown, JsonObject config) {
        tokenizer.bos().ifPresent(id -> token("bos", id));
        var eos = named("eos_token").or(() -> first(config.get("eos_token_id"))).or(() -> ends.stream().min(Integer::compare));
        eos.ifPresent(id -> token("eos", id));
        var more = ends.stream().filter(id -> !id.equals(eos.orElse(-1))).sorted().toList();
        if (!more.isEmpty()) {
            token("eot", more.getLast());
        }
        if (more.size() > 1) {
            token("eom", more.getFirst());
        }
        if (more.size() > MORE_ENDS) {
            progress.note(where + ": of the tokens that end a generation, GGUF has no keys for "
                    + more.subList(1, more.size() - 1).stream().map(table::token).toList() + ": they end it only where readers know them by name");
        }
        unknown.or(() -> named("unk_token")).ifPresent(id -> token("unknown", id));
        named("pad_token").ifPresent(id -> token("padding", id));
        put("add_bos_token", new GgufValue.Bool(tokenizer.addsBos()));
        boolean addsEos = switch (source) {
            case TokenizerSource.Json json -> json.special().flag("add_eos_token");
            case TokenizerSource.Pieces pieces -> pieces.addsEos();
        };
        if (addsEos || keys.get("tokenizer.ggml.model").equals(new GgufValue.Text("t5"))) { // which readers add one to unless told otherwise
            put("add_eos_token", new GgufValue.Bool(addsEos));
        }
        int[] around = tokenizer.encode("");
        if (around.length > (tokenizer.addsBos() ? 1 : 0) + (addsEos ? 1 : 0)) {
            progress.note(where + ": a prompt stands between " + Arrays.stream(around).mapToObj(tokenizer::token).toList()
                    + ", which GGUF has no keys for, but for the first and last tokens of sequences: write them into prompts");
        }
    }

    private Optional<Integer> first(JsonElement ids) {
        return JsonParts.integer(ids instanceof JsonArray a && !a.isEmpty() ? a.get(0) : ids).filter(id -> id >= 0 && id < table.rows());
    }

    /** A special token by its role. */
    private Optional<Integer> named(String role) {
        return Optional.ofNullable(source.special().named().get(role)).map(token -> table.id(token.text()));
    }

    private void token(String name, int id) {
        put(name + "_token_id", new GgufValue.Int(GgufValue.Type.UINT32, id));
    }

    /** Its own file wins; where there are several templates, the one named default. */
    private void chatTemplate(Path folder) throws IOException {
        var config = source.special().config().map(ConfigJson::json).orElseGet(JsonObject::new);
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
