package io.jllm.convert;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.jllm.ModelLoadException;
import io.jllm.json.JsonParts;
import io.jllm.quant.gguf.GgufValue;
import io.jllm.tokenizer.Tokenizer;
import io.jllm.tokenizer.subword.Pieces;
import io.jllm.tokenizer.subword.ScoredMerges;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;

/** The tokens and the cutting of a {@code tokenizer.json} as GGUF keys. */
final class JsonKeys {
    /** Score of single characters, which no merge makes; below that of any merge. */
    private static final double UNMERGED = -1e6;

    private final String where;
    private final JsonObject root;
    private final Tokenizer tokenizer;
    private final TokenTable table;
    private final Converter.Progress progress;

    /**
     * Keys, without what they all begin with.
     *
     * @param unknown the token of what is none
     */
    record Written(Map<String, GgufValue> keys, Optional<Integer> unknown) {
    }

    /** @param table filled by this */
    JsonKeys(String where, JsonObject root, Tokenizer tokenizer, TokenTable table, Converter.Progress progress) {
        this.where = where;
        this.root = root;
        this.tokenizer = tokenizer;
        this.table = table;
        this.progress = progress;
    }

    Written write() {
        var model = JsonParts.object(root, "model").orElseThrow(() -> error("has no model"));
        if (model.get("vocab") instanceof JsonArray pieces) {
            return unigram(model, pieces);
        }
        vocabulary(model);
        Optional<Integer> unknown = JsonParts.text(model, "unk_token").map(table::id);
        if (JsonParts.isTrue(model, "byte_fallback")) {
            unknown.ifPresent(id -> table.setType(id, TokenTable.UNKNOWN));
            return new Written(characters(model), unknown);
        }
        return new Written(bytes(model), unknown);
    }

    private Written unigram(JsonObject model, JsonArray pieces) {
        var form = UnigramForm.of(where, root);
        var scores = new double[table.rows()];
        for (int id = 0; id < pieces.size(); id++) {
            var piece = pieces.get(id).getAsJsonArray();
            table.put(id, piece.get(0).getAsString(), TokenTable.NORMAL);
            if (id < scores.length) {
                scores[id] = piece.get(1).getAsFloat();
            }
        }
        addedTokens(IntStream.range(0, pieces.size()).mapToObj(id -> pieces.get(id).getAsJsonArray().get(0).getAsString())
                .collect(HashSet::new, Set::add, Set::addAll));
        int unknown = JsonParts.integer(model.get("unk_id")).orElseThrow(() -> error("has no unk_id"));
        if (unknown < scores.length) {
            table.setType(unknown, TokenTable.UNKNOWN);
        }
        boolean byteFallback = JsonParts.isTrue(model, "byte_fallback");
        for (int id = 0; id < scores.length; id++) {
            if (byteFallback && table.type(id) == TokenTable.NORMAL && Pieces.isByte(table.token(id))) {
                table.setType(id, TokenTable.BYTE);
            }
            if (id >= pieces.size()) {
                scores[id] = PieceKeys.ADDED;
            }
        }
        form.notes(table, byteFallback).forEach(note -> progress.note(where + ": " + note));
        return new Written(PieceKeys.unigram(table, scores, form.spacePrefix(), form.removesSpaces(), form.charsmap()),
                Optional.of(unknown).filter(id -> id < scores.length));
    }

    /** Ids are the tokenizer's: those of added tokens go by their order, and other files may name some. */
    private void vocabulary(JsonObject model) {
        var vocab = JsonParts.object(model, "vocab").orElseThrow(() -> error("has no model.vocab"));
        for (var e : vocab.entrySet()) {
            int id = JsonParts.integer(e.getValue()).filter(i -> i >= 0)
                    .orElseThrow(() -> error("has the id " + e.getValue() + " for token " + e.getKey()));
            table.put(id, e.getKey(), TokenTable.NORMAL);
        }
        addedTokens(vocab.keySet());
    }

    private void addedTokens(Set<String> vocabulary) {
        var listed = new HashSet<String>();
        for (var e : JsonParts.list(root, "added_tokens")) {
            if (e instanceof JsonObject added) {
                JsonParts.text(added, "content").ifPresent(listed::add);
            }
        }
        for (int id = 0; id < tokenizer.vocabSize(); id++) {
            var token = tokenizer.token(id);
            boolean added = listed.contains(token) || !vocabulary.contains(token) || tokenizer.isSpecial(id);
            if (added && !token.equals(TokenTable.padding(id))) {
                table.putAdded(id, tokenizer);
            }
        }
        table.fill();
    }

    private Map<String, GgufValue> bytes(JsonObject model) {
        JsonParts.object(root, "normalizer").filter(n -> !n.has("normalizers") || !JsonParts.list(n, "normalizers").isEmpty())
                .ifPresent(n -> progress.note(where + ": its normalizer, " + n + ", is not applied by readers of GGUF files: texts that it changes "
                        + "may become other tokens"));
        Map<String, GgufValue> keys = new LinkedHashMap<>();
        keys.put("model", new GgufValue.Text("gpt2"));
        keys.put("pre", new GgufValue.Text(PreTokenizerName.of(where, root.get("pre_tokenizer"), JsonParts.isTrue(model, "ignore_merges"),
                progress::note)));
        keys.putAll(table.keys());
        keys.put("merges", new GgufValue.Texts(merges(model).stream().map(m -> String.join(" ", m)).toList()));
        return keys;
    }

    private Map<String, GgufValue> characters(JsonObject model) {
        var scores = new double[table.rows()];
        for (int id = 0; id < scores.length; id++) {
            if (Pieces.isByte(table.token(id))) {
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
        return PieceKeys.scored(table, scores, PieceKeys.addsSpacePrefix(root));
    }

    /** Tokens that two others make up without a merge that says so: scores know no such pairs. */
    private int unlisted(Set<List<String>> listed) {
        listed.stream().map(m -> String.join("", m)).filter(token -> token.length() > ScoredMerges.MAX_TOKEN).findFirst().ifPresent(token -> {
            throw error("has a merge of " + token.length() + " characters; GGUF files with scores have tokens of at most " + ScoredMerges.MAX_TOKEN);
        });
        return (int) listed.stream().map(m -> String.join("", m)).distinct()
                .filter(token -> IntStream.range(1, token.length()).anyMatch(cut -> isPlain(token.substring(0, cut))
                        && isPlain(token.substring(cut)) && !listed.contains(List.of(token.substring(0, cut), token.substring(cut)))))
                .count();
    }

    private boolean isPlain(String token) {
        var id = table.id(token);
        return id != null && table.type(id) == TokenTable.NORMAL;
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

    private ModelLoadException error(String problem) {
        return new ModelLoadException(where + " " + problem);
    }
}
