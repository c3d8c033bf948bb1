package io.jllm.tokenizer.huggingface;

import io.jllm.tokenizer.sentencepiece.SentencePieceModel;
import io.jllm.tokenizer.sentencepiece.SentencePieceModel.Kind;
import io.jllm.tokenizer.sentencepiece.SentencePieceModel.Piece;
import io.jllm.tokenizer.source.SpecialTokens;
import io.jllm.tokenizer.source.TokenizerSource;
import io.jllm.tokenizer.subword.AddedToken;
import io.jllm.tokenizer.subword.Encoder;
import io.jllm.tokenizer.subword.Pieces;
import io.jllm.tokenizer.subword.ScoredMerges;
import io.jllm.tokenizer.subword.Vocabulary;
import io.jllm.tokenizer.unigram.UnigramBuilder;
import io.jllm.tokenizer.unigram.UnigramModel;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.IntStream;

/**
 * The tokens of a SentencePiece model, and those that the files beside it add, with the ids that these give them: such a token may take the
 * place of a piece. Those without an id are numbered after the others. Source: the tokenizers of transformers 4 in Python, which such folders
 * were made for ({@code PreTrainedTokenizer.__init__}).
 */
final class PieceTokens implements ScoredMerges.Tokens {
    private final List<Piece> pieces;
    private final Map<String, Integer> ids = new HashMap<>();
    /** By id. */
    private final Map<Integer, AddedToken> added = new LinkedHashMap<>();
    private int size;

    PieceTokens(TokenizerSource.Pieces source) {
        pieces = source.model().pieces();
        size = pieces.size();
        for (int id = 0; id < size; id++) {
            ids.putIfAbsent(pieces.get(id).text(), id);
        }
        SpecialTokens special = source.special();
        special.decoder().forEach(token -> put(token.id(), token));
        for (int id = 0; id < pieces.size(); id++) {
            var kind = pieces.get(id).kind();
            if ((kind == Kind.CONTROL || kind == Kind.UNKNOWN) && !added.containsKey(id)) {
                put(id, AddedToken.special(pieces.get(id).text()));
            }
        }
        special.named().values().forEach(token -> putLast(token.asSpecial()));
        special.extra().forEach(token -> putLast(token.asSpecial()));
    }

    private void put(int id, AddedToken token) {
        added.put(id, token.withId(id));
        ids.put(token.text(), id);
        size = Math.max(size, id + 1);
    }

    /** A special one, which keeps the id that it has already. */
    private void putLast(AddedToken token) {
        int id = ids.getOrDefault(token.text(), size);
        if (added.containsKey(id)) {
            put(id, added.get(id).asSpecial());
        } else if (!token.text().isEmpty()) {
            put(id, token);
        }
    }

    @Override
    public int size() {
        return size;
    }

    @Override
    public String text(int id) {
        AddedToken token = added.get(id);
        return token != null ? token.text() : pieces.get(id).text();
    }

    /** User-defined pieces are not: they go before others. */
    @Override
    public boolean isText(int id) {
        return isPiece(id, Kind.NORMAL);
    }

    /** Whether it is a piece of a kind, whose place no added token has taken. */
    private boolean isPiece(int id, Kind kind) {
        return id < pieces.size() && !added.containsKey(id) && pieces.get(id).kind() == kind;
    }

    @Override
    public boolean isByte(int id) {
        return isPiece(id, Kind.BYTE) && Pieces.isByte(pieces.get(id).text());
    }

    @Override
    public int textId(String text) {
        int id = ids.getOrDefault(text, -1);
        return id >= 0 && isText(id) ? id : -1;
    }

    /** What makes ids of normalized text. */
    Encoder.Model model(SentencePieceModel model) {
        return switch (model.type()) {
            case UNIGRAM -> unigram(model.unknown())::encoder;
            case BPE -> {
                double[] scores = new double[size];
                Arrays.setAll(scores, id -> id < pieces.size() ? pieces.get(id).score() : 0);
                yield ScoredMerges.model(this, scores, model.unknown())::encoder;
            }
        };
    }

    private UnigramModel unigram(int unknown) {
        var builder = new UnigramBuilder(size, unknown, UnigramBuilder.Sums.FLOAT);
        float worst = Float.MAX_VALUE;
        for (Piece piece : pieces) {
            if (piece.kind() == Kind.NORMAL) {
                worst = Math.min(worst, piece.score());
            }
        }
        for (int id = 0; id < pieces.size(); id++) {
            Piece piece = pieces.get(id);
            if (isText(id)) {
                builder.piece(piece.text(), id, piece.score());
            } else if (isPiece(id, Kind.USER_DEFINED)) {
                builder.preferred(piece.text(), id);
            } else if (isByte(id)) {
                builder.byteToken(Pieces.byteOf(piece.text())[0] & 0xFF, id);
            }
        }
        return builder.build(worst - UnigramBuilder.PENALTY);
    }

    OptionalInt id(String text) {
        Integer id = ids.get(text);
        return id == null ? OptionalInt.empty() : OptionalInt.of(id);
    }

    /** Found in a text as it is, before the model sees it. */
    List<AddedToken> added() {
        return List.copyOf(added.values());
    }

    /** Found in a normalized text before anything is merged: they are never cut, nor joined to what stands beside them. */
    List<AddedToken> userDefined(SentencePieceModel.Type type) {
        return type == SentencePieceModel.Type.UNIGRAM ? List.of() : IntStream.range(0, pieces.size())
                .filter(id -> isPiece(id, Kind.USER_DEFINED))
                .mapToObj(id -> new AddedToken(id, pieces.get(id).text(), false, false, false, false, true)).toList();
    }

    /** The table to decode by. */
    Vocabulary table() {
        var table = new Vocabulary.Builder(size);
        for (int id = 0; id < size; id++) {
            AddedToken token = added.get(id);
            if (token != null && token.special()) {
                table.special(id, token.text());
            } else if (token != null) {
                table.text(id, token.text(), Pieces.plain(token.text()));
            } else if (id < pieces.size()) {
                String text = pieces.get(id).text();
                if (isByte(id)) {
                    table.text(id, text, Pieces.byteOf(text));
                } else if (isText(id) || isPiece(id, Kind.USER_DEFINED)) {
                    table.text(id, text, Pieces.sentencePiece(text));
                } else {
                    table.special(id, text);
                }
            }
        }
        return table.build();
    }
}
