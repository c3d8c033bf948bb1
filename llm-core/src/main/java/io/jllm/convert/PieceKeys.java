package io.jllm.convert;

import io.jllm.tokenizer.Tokenizer;
import io.jllm.tokenizer.sentencepiece.SentencePieceModel;
import io.jllm.tokenizer.source.TokenizerSource;

/** A SentencePiece model as GGUF tokens, types and scores. Source of the score of added tokens: llama.cpp ({@code conversion/base.py}). */
final class PieceKeys {
    private static final double ADDED = -1000;

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

    /** Tells what GGUF files cannot say of it. */
    static void note(TokenizerSource.Pieces source, Converter.Progress progress) {
        var model = source.model();
        if (model.removesSpaces()) {
            progress.note(source.file() + ": remove_extra_whitespaces is true, but readers of GGUF files keep all spaces: texts with several "
                    + "spaces in a row become other tokens");
        }
        if (source.spacePrefix() && model.pieces().stream().anyMatch(p -> p.kind() == SentencePieceModel.Kind.USER_DEFINED)) {
            progress.note(source.file() + ": readers of GGUF files put a space after each of its user-defined pieces: texts with these become other "
                    + "tokens");
        }
        if (model.charsmap().isPresent()) {
            progress.note(source.file() + ": its precompiled_charsmap is not applied by readers of GGUF files: texts with characters that it "
                    + "changes become other tokens");
        }
    }
}
