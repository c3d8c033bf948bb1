package io.jllm.convert;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.jllm.json.ConfigJson;
import io.jllm.json.JsonParts;
import io.jllm.json.SmallFiles;
import io.jllm.load.LoadedModel;
import io.jllm.quant.gguf.GgufValue;
import io.jllm.tokenizer.Tokenizer;
import io.jllm.tokenizer.source.TokenizerSource;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The tokenizer of a folder as GGUF metadata. Byte-level BPE becomes the model {@code gpt2} with its merges and the name of its
 * pre-tokenizer; models of the kind unigram, SentencePiece's or in a {@code tokenizer.json}, become {@code t5}; SentencePiece models of
 * the kind BPE, and BPE over characters with byte fallback, as a {@code tokenizer.json} stores them, become {@code llama} with scores,
 * which rank as the merges do. Keys and token types are llama.cpp's ({@code llama-vocab.cpp}).
 */
final class TokenizerKeys {
    /** So many keys for tokens that end a generation are there besides that of the end of sequence. */
    private static final int MORE_ENDS = 2;
    private static final long MAX_TEMPLATE = 16 << 20;

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
    static Map<String, GgufValue> read(Path folder, LoadedModel loaded, Converter.Progress progress) {
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
    static Map<String, GgufValue> read(Path folder, Tokenizer tokenizer, Set<Integer> ends, int rows, Converter.Progress progress) {
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

    /** Writes a {@code tokenizer.json}; tells which token is unknown. */
    private Optional<Integer> json(JsonObject root) {
        var written = new JsonKeys(where, root, tokenizer, table, progress).write();
        written.keys().forEach(this::put);
        return written.unknown();
    }

    /** Writes a SentencePiece model; tells which token is unknown. */
    private Optional<Integer> pieces(TokenizerSource.Pieces pieces) {
        var model = pieces.model();
        var scores = PieceKeys.fill(table, model, tokenizer);
        PieceKeys.note(pieces, progress);
        var made = switch (model.type()) {
            case BPE -> PieceKeys.scored(table, scores, pieces.spacePrefix());
            case UNIGRAM -> PieceKeys.unigram(table, scores, pieces.spacePrefix(), model.removesSpaces(), model.charsmap());
        };
        made.forEach(this::put);
        return Optional.of(model.unknown()).filter(id -> id < table.rows());
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
        int[] around = tokenizer.encode("");
        int before = tokenizer.addsBos() ? 1 : 0;
        boolean addsEos = around.length > before && eos.equals(Optional.of(around[around.length - 1]));
        if (addsEos || keys.get("tokenizer.ggml.model").equals(new GgufValue.Text("t5"))) { // which readers add one to unless told otherwise
            put("add_eos_token", new GgufValue.Bool(addsEos));
        }
        if (around.length > before + (addsEos ? 1 : 0)) {
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
    private void chatTemplate(Path folder) {
        var config = source.special().config().map(ConfigJson::json).orElseGet(JsonObject::new);
        var file = folder.resolve("chat_template.jinja");
        var template = Files.exists(file, LinkOption.NOFOLLOW_LINKS) ? Optional.of(SmallFiles.text(file, "chat template", MAX_TEMPLATE))
                : JsonParts.text(config, "chat_template").or(() -> JsonParts.list(config, "chat_template").stream()
                        .filter(t -> t instanceof JsonObject o && JsonParts.text(o, "name").orElse("").equals("default"))
                        .findFirst().flatMap(t -> JsonParts.text((JsonObject) t, "template")));
        template.ifPresent(t -> keys.put("tokenizer.chat_template", new GgufValue.Text(t)));
    }

    private void put(String key, GgufValue value) {
        keys.put("tokenizer.ggml." + key, value);
    }
}
