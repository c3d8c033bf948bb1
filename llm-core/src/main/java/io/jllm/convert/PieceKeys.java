package io.jllm.convert;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.jllm.json.JsonParts;
import io.jllm.quant.gguf.GgufValue;
import io.jllm.tokenizer.Tokenizer;
import io.jllm.tokenizer.sentencepiece.Charsmap;
import io.jllm.tokenizer.sentencepiece.SentencePieceModel;
import io.jllm.tokenizer.source.TokenizerSource;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/** A SentencePiece model as GGUF tokens, types and scores. Source of the score of added tokens: llama.cpp ({@code conversion/base.py}). */
final class PieceKeys {
    static final double ADDED = -1000;
    static final String NO_BYTES = "readers of GGUF files make one unknown token of what is no piece, and not those of its bytes";

    private PieceKeys() {
    }

    /** Puts the tokens into a table, and tells their scores. */
    static double[] fill(TokenTable table, SentencePieceModel model, Tokenizer tokenizer) {
        var scores = new double[table.rows()];
        for (int id = 0; id < tokenizer.vocabSize(); id++) {
            var text = tokenizer.token(id);
            boolean added = id >= model.pieces().size() || !model.pieces().get(id).text().equals(text);
            if (added && !text.equals(TokenTable.padding(id))) {
                table.putAdded(id, tokenizer);
            } else if (!added) {
                table.put(id, text, type(model.pieces().get(id).kind(), tokenizer.isSpecial(id)));
            }
            if (id < scores.length) {
                scores[id] = added ? ADDED : model.pieces().get(id).score();
            }
        }
        table.fill();
        return scores;
    }

    private static int type(SentencePieceModel.Kind kind, boolean special) {
        return switch (kind) {
            case NORMAL -> special ? TokenTable.CONTROL : TokenTable.NORMAL;
            case UNKNOWN -> TokenTable.UNKNOWN;
            case CONTROL -> TokenTable.CONTROL;
            case USER_DEFINED -> special ? TokenTable.CONTROL : TokenTable.USER_DEFINED;
            case UNUSED -> TokenTable.UNUSED;
            case BYTE -> TokenTable.BYTE;
        };
    }

    /** Keys of the kind llama. */
    static Map<String, GgufValue> scored(TokenTable table, double[] scores, boolean spacePrefix) {
        var keys = keys("llama", table, scores);
        if (!spacePrefix) { // which readers put there unless told otherwise
            keys.put("add_space_prefix", new GgufValue.Bool(false));
        }
        return keys;
    }

    /** Keys of the kind unigram, with what a text becomes before it is cut. */
    static Map<String, GgufValue> unigram(TokenTable table, double[] scores, boolean spacePrefix, boolean removesSpaces,
            Optional<Charsmap> charsmap) {
        var keys = keys("t5", table, scores);
        keys.put("add_space_prefix", new GgufValue.Bool(spacePrefix));
        keys.put("remove_extra_whitespaces", new GgufValue.Bool(removesSpaces));
        charsmap.ifPresent(map -> {
            byte[] bytes = map.toBytes();
            keys.put("precompiled_charsmap", new GgufValue.Ints(GgufValue.Type.UINT8, IntStream.range(0, bytes.length)
                    .mapToLong(i -> bytes[i] & 0xFF).toArray()));
        });
        return keys;
    }

    private static Map<String, GgufValue> keys(String kind, TokenTable table, double[] scores) {
        Map<String, GgufValue> keys = new LinkedHashMap<>();
        keys.put("model", new GgufValue.Text(kind));
        keys.putAll(table.keys());
        keys.put("scores", new GgufValue.Reals(GgufValue.Type.FLOAT32, scores));
        return keys;
    }

    /** Whether a space goes before a text of a {@code tokenizer.json}: by a normalizer, or by a pre-tokenizer. */
    static boolean addsSpacePrefix(JsonObject root) {
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

    /** Tells what GGUF files cannot say of it. */
    static void note(TokenizerSource.Pieces source, Converter.Progress progress) {
        var model = source.model();
        boolean unigram = model.type() == SentencePieceModel.Type.UNIGRAM;
        if (unigram && model.pieces().stream().anyMatch(p -> p.kind() == SentencePieceModel.Kind.BYTE)) {
            progress.note(source.file() + ": " + NO_BYTES);
        }
        if (!unigram && model.removesSpaces()) {
            progress.note(source.file() + ": remove_extra_whitespaces is true, but readers of GGUF files keep all spaces: texts with several "
                    + "spaces in a row become other tokens");
        }
        if (source.spacePrefix() && model.pieces().stream().anyMatch(p -> p.kind() == SentencePieceModel.Kind.USER_DEFINED)) {
            progress.note(source.file() + ": readers of GGUF files put a space after each of its user-defined pieces: texts with these become other "
                    + "tokens");
        }
        if (!unigram && model.charsmap().isPresent()) {
            progress.note(source.file() + ": its precompiled_charsmap is not applied by readers of GGUF files: texts with characters that it "
                    + "changes become other tokens");
        }
    }
}
