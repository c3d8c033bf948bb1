package io.jllm.convert;

import com.google.gson.JsonObject;
import io.jllm.ModelLoadException;
import io.jllm.json.JsonParts;
import io.jllm.tokenizer.sentencepiece.Charsmap;
import io.jllm.tokenizer.sentencepiece.LongestPrefix;
import io.jllm.tokenizer.subword.Pieces;
import io.jllm.tokenizer.subword.Words;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * What a {@code tokenizer.json} of the kind Unigram does to a text before it is cut into pieces, as far as keys of GGUF files can say it: a
 * table of characters, and what becomes of spaces. Steps that they cannot say are refused; where only some texts become others, there is
 * a note. Source of what readers of GGUF files do: llama.cpp ({@code llm_tokenizer_ugm}).
 */
final class UnigramForm {
    private static final String SPACE = String.valueOf(Pieces.SPACE);
    /** How "several spaces" is written. */
    private static final Set<String> SEVERAL = Set.of(" {2,}", "  +");
    private static final int SHOWN = 200;

    private final String where;
    private Optional<String> table = Optional.empty();
    /** By a step of its own, whatever the text begins with; or by Metaspace, unless that begins with a space. */
    private boolean prepends;
    private boolean metaspacePrepends;
    private boolean firstOnly;
    private boolean marksSpaces;
    private boolean joinsSpaces;
    private boolean stripsStart;
    private boolean stripsEnd;
    private boolean splitsWords;
    private boolean splitsAtSpaces;

    private UnigramForm(String where) {
        this.where = where;
    }

    /**
     * Reads the steps of a tokenizer that can be loaded.
     *
     * @throws ModelLoadException if there is one that cannot be written, by its name
     */
    static UnigramForm of(String where, JsonObject root) {
        var form = new UnigramForm(where);
        JsonParts.object(root, "normalizer").ifPresent(form::normalizer);
        JsonParts.object(root, "pre_tokenizer").ifPresent(form::preTokenizer);
        if (!form.marksSpaces) {
            throw form.error("neither normalizer nor pre_tokenizer makes U+2581 of spaces, as readers of GGUF files do");
        }
        if (form.removesSpaces() && !form.metaspacePrepends) {
            throw form.error("one of several spaces is made, but by Metaspace none is put before a text: readers of GGUF files do both or neither");
        }
        return form;
    }

    private ModelLoadException error(String problem) {
        return new ModelLoadException(where + ": " + problem + "; of tokenizers of type Unigram, GGUF files can say Precompiled, then Strip, Replace "
                + "of several spaces by one and of each by U+2581, Prepend of U+2581, and as pre_tokenizer Metaspace, before it WhitespaceSplit");
    }

    private void expect(boolean known, JsonObject step) {
        if (!known) {
            String text = step.toString();
            throw error("the step " + (text.length() > SHOWN ? text.substring(0, SHOWN) + "..." : text) + " cannot be written in its place");
        }
    }

    private void normalizer(JsonObject step) {
        switch (JsonParts.text(step, "type").orElse("")) {
            case "Sequence" -> objects(step, "normalizers").forEach(this::normalizer);
            case "Precompiled" -> {
                expect(table.isEmpty() && !changesSpaces() && !stripsStart && !stripsEnd, step);
                table = JsonParts.text(step, "precompiled_charsmap");
            }
            case "Strip" -> {
                expect(!changesSpaces(), step);
                stripsStart |= JsonParts.isTrue(step, "strip_left");
                stripsEnd |= JsonParts.isTrue(step, "strip_right");
            }
            case "Prepend" -> {
                expect(JsonParts.text(step, "prepend").orElse("").equals(SPACE) && !prepends, step);
                prepends = true;
            }
            case "Replace" -> replace(step);
            default -> expect(false, step);
        }
    }

    private boolean changesSpaces() {
        return prepends || marksSpaces || joinsSpaces;
    }

    private void replace(JsonObject step) {
        var pattern = JsonParts.object(step, "pattern").orElseGet(JsonObject::new);
        String content = JsonParts.text(step, "content").orElse("");
        boolean marks = content.equals(SPACE);
        if (marks && JsonParts.text(pattern, "String").orElse("").equals(" ")) {
            marksSpaces = true;
        } else {
            expect(SEVERAL.contains(JsonParts.text(pattern, "Regex").orElse("")) && (marks || content.equals(" ")) && !prepends && !marksSpaces,
                    step);
            joinsSpaces = true;
        }
    }

    private void preTokenizer(JsonObject step) {
        switch (JsonParts.text(step, "type").orElse("")) {
            case "Sequence" -> objects(step, "pretokenizers").forEach(this::preTokenizer);
            case "WhitespaceSplit" -> {
                expect(!marksSpaces, step);
                splitsWords = true;
            }
            case "Metaspace" -> {
                String scheme = step.has("add_prefix_space") && !JsonParts.isTrue(step, "add_prefix_space") ? "never"
                        : JsonParts.text(step, "prepend_scheme").orElse("always");
                firstOnly = scheme.equals("first");
                expect(!marksSpaces && !prepends && JsonParts.text(step, "replacement").orElse(SPACE).equals(SPACE) && !(firstOnly && splitsWords),
                        step);
                marksSpaces = true;
                metaspacePrepends = !scheme.equals("never");
                splitsAtSpaces = !step.has("split") || JsonParts.isTrue(step, "split");
            }
            default -> expect(false, step);
        }
    }

    private static List<JsonObject> objects(JsonObject step, String key) {
        return JsonParts.list(step, key).stream().filter(JsonObject.class::isInstance).map(JsonObject.class::cast).toList();
    }

    boolean spacePrefix() {
        return prepends || metaspacePrepends;
    }

    /** Whether several spaces are one, and those at the end none. */
    boolean removesSpaces() {
        return joinsSpaces || splitsWords;
    }

    Optional<Charsmap> charsmap() {
        return table.flatMap(t -> Charsmap.read(where, ByteBuffer.wrap(Base64.getDecoder().decode(t))));
    }

    /** In what texts become other tokens for readers of GGUF files. */
    List<String> notes(TokenTable tokens, boolean byteFallback) {
        var notes = new ArrayList<String>();
        boolean splits = splitsWords || splitsAtSpaces;
        if (charsmap().isPresent()) {
            notes.add("readers of GGUF files apply its precompiled_charsmap to the longest strings, as sentencepiece does, and not character by "
                    + "character: texts with letters and marks, or strings, that are in it may become other tokens");
        }
        if ((splits || stripsStart || stripsEnd) && !mapsAllSpaces()) {
            notes.add("readers of GGUF files know no white space but the space: texts with line breaks, tabs or U+2581 may become other tokens");
        }
        if (removesSpaces() && !splitsWords && !stripsEnd) {
            notes.add("readers of GGUF files leave out spaces at the end of a text: texts with these become other tokens");
        }
        if (!removesSpaces() && (stripsStart || stripsEnd)) {
            notes.add("readers of GGUF files keep spaces at the start and the end of a text: texts with these become other tokens");
        }
        if (!removesSpaces() && metaspacePrepends) {
            notes.add("readers of GGUF files put a space before texts that begin with one, too: these become other tokens");
        }
        if (prepends) {
            notes.add("readers of GGUF files put no space before a text of nothing but spaces: these become other tokens");
        }
        if (firstOnly) {
            notes.add("readers of GGUF files put a space before each text between special tokens, not before the first alone: texts behind such "
                    + "tokens become other tokens");
        }
        long across = splits ? IntStream.range(0, tokens.rows()).filter(id -> tokens.type(id) == TokenTable.NORMAL)
                .mapToObj(tokens::token).filter(this::goesOn).count() : 0;
        if (across > 0) {
            notes.add(across + " pieces go on behind a space, and are found by readers of GGUF files alone: some texts become other tokens");
        }
        if (splits && tokens.id(SPACE) == null) {
            notes.add("U+2581 by itself is no piece: of several words that are no pieces, readers of GGUF files make one unknown token");
        }
        if (byteFallback) {
            notes.add(PieceKeys.NO_BYTES);
        }
        return notes;
    }

    /** Whether a piece has a space behind its first character, where texts can have one. */
    private boolean goesOn(String piece) {
        return piece.indexOf(Pieces.SPACE, 1) > 0 && !(removesSpaces() && piece.contains(SPACE + SPACE));
    }

    /** Whether the table makes spaces, or nothing, of all that counts as white space, and of U+2581. */
    private boolean mapsAllSpaces() {
        var map = charsmap();
        var none = new LongestPrefix(List.of());
        return map.isPresent() && IntStream.concat(IntStream.rangeClosed(1, Character.MAX_VALUE).filter(Words::isSpace), IntStream.of(Pieces.SPACE))
                .mapToObj(Character::toString).map(c -> map.get().apply(c, none)).allMatch(c -> c.isEmpty() || c.equals(" "));
    }
}
