package io.jllm.tokenizer.huggingface;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonPrimitive;
import io.jllm.ModelLoadException;
import io.jllm.json.ConfigJson;
import io.jllm.tokenizer.subword.AddedToken;
import io.jllm.tokenizer.subword.Pieces;
import io.jllm.tokenizer.unigram.UnigramBuilder;
import io.jllm.tokenizer.unigram.UnigramModel;
import java.util.ArrayList;
import java.util.List;

/** Reads a {@code model} of type Unigram of a {@code tokenizer.json}. Special tokens are left out: no plain text becomes one. */
final class HuggingFaceUnigram {
    /** A piece and the logarithm of its probability. */
    record Piece(String text, double score) {
    }

    private HuggingFaceUnigram() {
    }

    /** The pieces, whose places are their ids. */
    static List<Piece> pieces(ConfigJson model) {
        if (!(model.json().get("vocab") instanceof JsonArray vocab) || vocab.isEmpty()) {
            throw new ModelLoadException(model.name("vocab") + " must be a list of pieces and their scores, and not empty");
        }
        if (vocab.size() > AddedToken.MAX_ID) {
            throw new ModelLoadException(model.name("vocab") + " has " + vocab.size() + " pieces; there may be " + AddedToken.MAX_ID);
        }
        List<Piece> pieces = new ArrayList<>(vocab.size());
        for (JsonElement entry : vocab) {
            if (!(entry instanceof JsonArray a && a.size() == 2 && a.get(0) instanceof JsonPrimitive text && text.isString()
                    && a.get(1) instanceof JsonPrimitive score && score.isNumber() && Double.isFinite(score.getAsDouble()))) {
                throw new ModelLoadException(model.name("vocab") + " holds " + entry + " at " + pieces.size() + ": it must be a piece and its score");
            }
            pieces.add(new Piece(text.getAsString(), score.getAsDouble()));
        }
        return pieces;
    }

    static UnigramModel model(ConfigJson tokenizer, HuggingFaceVocabulary vocabulary) {
        ConfigJson model = tokenizer.object("model").orElseThrow();
        List<Piece> pieces = pieces(model);
        if (!model.has("unk_id")) {
            throw new ModelLoadException(model.name("unk_id") + " is missing: a model of type Unigram needs a token for what is no piece");
        }
        int unknown = model.integer("unk_id", 0, pieces.size() - 1);
        boolean bytes = model.bool("byte_fallback").orElse(false);
        var builder = new UnigramBuilder(pieces.size(), unknown, UnigramBuilder.Sums.DOUBLE);
        double worst = Double.MAX_VALUE;
        for (int id = 0; id < pieces.size(); id++) {
            Piece piece = pieces.get(id);
            worst = Math.min(worst, piece.score);
            if (!vocabulary.isSpecial(piece.text)) {
                builder.piece(piece.text, id, piece.score);
            }
            if (bytes && Pieces.isByte(piece.text)) {
                builder.byteToken(Pieces.byteOf(piece.text)[0] & 0xFF, id);
            }
        }
        return builder.build(worst - UnigramBuilder.PENALTY);
    }
}
