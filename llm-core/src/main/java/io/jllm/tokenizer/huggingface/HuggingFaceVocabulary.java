package io.jllm.tokenizer.huggingface;

import com.google.gson.JsonArray;
import io.jllm.ModelLoadException;
import io.jllm.json.ConfigJson;
import io.jllm.tokenizer.source.SpecialTokens;
import io.jllm.tokenizer.subword.AddedToken;
import io.jllm.tokenizer.subword.Pieces;
import io.jllm.tokenizer.subword.Vocabulary;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The tokens of a Hugging Face folder: those of the model in {@code tokenizer.json}, the added ones there, and those that the files beside it
 * name. Ids are those of the fast tokenizers: a token that is in the vocabulary keeps its id there, others are numbered from its end on in
 * the order in which they are added, whatever id a file gives them. Source: Hugging Face tokenizers ({@code AddedVocabulary::add_tokens})
 * and transformers 5 ({@code TokenizersBackend.__init__}).
 */
final class HuggingFaceVocabulary {
    private static final System.Logger LOG = System.getLogger("io.jllm");
    /** Ids may leave gaps, of this many for each token and some more: each has a place in a table. */
    private static final long GAPS = 4;
    private static final long MORE_GAPS = 1 << 18;

    /** How the model makes tokens of pieces of text. */
    enum Kind {
        BPE, UNIGRAM;

        private static Kind of(ConfigJson model) {
            String type = model.text("type").orElse(model.has("merges") ? "BPE" : model.json().get("vocab") instanceof JsonArray ? "Unigram" : "");
            return switch (type) {
                case "BPE" -> BPE;
                case "Unigram" -> UNIGRAM;
                default -> throw new ModelLoadException(model.name("type") + " is \"" + type + "\", a kind of tokenizer that is not known here; "
                        + "known are BPE and Unigram");
            };
        }
    }

    private final Kind kind;
    private final Map<String, Integer> model = new HashMap<>();
    private final Map<String, AddedToken> added = new LinkedHashMap<>();
    private final SpecialTokens special;
    private int size;

    HuggingFaceVocabulary(ConfigJson tokenizer, SpecialTokens special) {
        this.special = special;
        ConfigJson json = tokenizer.object("model").orElseThrow(() -> new ModelLoadException(tokenizer.name("model") + " is missing"));
        kind = Kind.of(json);
        switch (kind) {
            case BPE -> addNumbered(json.object("vocab").orElseThrow(() -> new ModelLoadException(json.name("vocab") + " is missing")));
            case UNIGRAM -> {
                List<String> pieces = HuggingFaceUnigram.pieces(json).stream().map(HuggingFaceUnigram.Piece::text).toList();
                pieces.forEach(piece -> model.put(piece, size++)); // of equal ones the last counts
            }
        }
        addListed(tokenizer.name("added_tokens"), tokenizer.objects("added_tokens"));
        addNamed();
        if (size == 0) {
            throw new ModelLoadException(json.name("vocab") + " is empty: a tokenizer needs tokens");
        }
        long most = GAPS * (model.size() + added.size()) + MORE_GAPS;
        if (size > most) {
            throw new ModelLoadException(json.name("vocab") + " has the id " + (size - 1) + "; with " + (model.size() + added.size())
                    + " tokens, ids must be below " + most);
        }
    }

    private void addNumbered(ConfigJson vocab) {
        for (String text : vocab.json().keySet()) {
            int id = vocab.integer(text, 0, AddedToken.MAX_ID);
            model.put(text, id);
            size = Math.max(size, id + 1);
        }
    }

    private void addListed(String where, List<ConfigJson> listed) {
        List<AddedToken> tokens = new ArrayList<>();
        for (ConfigJson json : listed) {
            tokens.add(AddedToken.of(json).withId(json.integer("id", 0, AddedToken.MAX_ID)));
        }
        add(tokens);
        List<String> renumbered = tokens.stream().filter(t -> id(t.text()).orElse(t.id()) != t.id())
                .map(t -> t.text() + " (" + t.id() + ", counts as " + id(t.text()).orElseThrow() + ")").toList();
        if (!renumbered.isEmpty()) {
            LOG.log(System.Logger.Level.WARNING, "{0}: {1} added tokens have ids that are not those of their places, which count, as {2}",
                    where, renumbered.size(), renumbered.getFirst());
        }
    }

    private void addNamed() {
        List<AddedToken> tokens = new ArrayList<>();
        for (AddedToken token : special.decoder()) {
            AddedToken known = added.get(token.text());
            if (known == null || !known.equals(token.withId(known.id()))) {
                tokens.add(token);
            }
        }
        Set<String> known = tokens.stream().map(AddedToken::text).collect(Collectors.toSet());
        known.addAll(added.keySet());
        for (AddedToken token : special.named().values()) {
            if (known.add(token.text())) {
                tokens.add(token.asSpecial());
            }
        }
        for (AddedToken token : special.extra()) {
            if (known.add(token.text())) {
                tokens.add(token);
            }
        }
        add(tokens);
    }

    private void add(List<AddedToken> tokens) {
        int highest = added.values().stream().mapToInt(AddedToken::id).max().orElse(-1);
        int next = highest >= model.size() ? highest + 1 : model.size();
        for (AddedToken token : tokens) {
            if (token.text().isEmpty()) {
                continue; // is nowhere to be found
            }
            OptionalInt known = id(token.text());
            int id = known.isPresent() ? known.getAsInt() : next++;
            added.put(token.text(), token.withId(id));
            size = Math.max(size, id + 1);
        }
    }

    Kind kind() {
        return kind;
    }

    /** The id of a token by how it is written. */
    OptionalInt id(String text) {
        AddedToken token = added.get(text);
        Integer id = token == null ? model.get(text) : Integer.valueOf(token.id());
        return id == null ? OptionalInt.empty() : OptionalInt.of(id);
    }

    /** Whether the model has a token. */
    boolean isInModel(String text) {
        return model.containsKey(text);
    }

    /** The id of a token that the model has. */
    int modelId(String text) {
        return model.get(text);
    }

    /** The id of a token by its role, such as {@code bos_token}. */
    OptionalInt named(String role) {
        AddedToken token = special.named().get(role);
        return token == null ? OptionalInt.empty() : id(token.text());
    }

    List<AddedToken> added() {
        return new ArrayList<>(added.values());
    }

    /** Whether a token stands for no text, and so must not come out of plain text. */
    boolean isSpecial(String text) {
        AddedToken token = added.get(text);
        return token != null && token.special();
    }

    /** The table to decode by. Tokens that are found in normalized text stand for what they are there. */
    Vocabulary table(HuggingFaceFormat format, Normalizer normalizer) {
        Vocabulary.Builder table = new Vocabulary.Builder(size);
        model.forEach((text, id) -> {
            if (!added.containsKey(text)) {
                table.text(id, text, format.bytes(text));
            }
        });
        added.forEach((text, token) -> {
            if (token.special()) {
                table.special(token.id(), text);
            } else { // the byte-level alphabet is for what the model made; spaces may be written as U+2581 in any token
                String meant = token.normalized() ? normalizer.apply(text, false).text() : text;
                table.text(token.id(), text, format.byteLevel() ? Pieces.plain(meant) : format.bytes(meant));
            }
        });
        return table.build();
    }
}
