package io.jllm.tokenizer.gguf;

import io.jllm.ModelLoadException;
import io.jllm.tokenizer.pre.PreTokenizer;
import io.jllm.tokenizer.subword.Pieces;
import io.jllm.tokenizer.subword.ScoredMerges;
import io.jllm.tokenizer.subword.Vocabulary;
import io.jllm.tokenizer.bpe.BpeBuilder;
import io.jllm.tokenizer.bpe.BpeModel;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Encoders of GGUF vocabularies, by listed merges or by scores. Special tokens are left out: no plain text becomes one. Source:
 * llama.cpp ({@code llama-vocab.cpp}).
 */
final class GgufBpe {
    private static final System.Logger LOG = System.getLogger("io.jllm");
    private static final int NONE = -1;

    private GgufBpe() {
    }

    /** By the list of merges. */
    static BpeModel listed(GgufVocabulary vocabulary, Vocabulary table, PreTokenizer pre) {
        List<String> lines = vocabulary.merges();
        var builder = new BpeBuilder(vocabulary.size(), lines.size());
        tellTokens(vocabulary, builder);
        if (pre.writing() == PreTokenizer.Writing.BYTES) {
            for (int b = 0; b < 256; b++) {
                String character = String.valueOf(Pieces.byteLevel((byte) b));
                if (vocabulary.textId(character) == NONE) {
                    builder.stranger(character); // still keeps its neighbours from merging, and is left out afterwards
                }
            }
        } else {
            byteTokens(vocabulary, builder);
        }
        if (pre.whole() != PreTokenizer.Whole.NONE) {
            var index = table.index(vocabulary::isText);
            builder.takeWhole(piece -> pre.ignoresMerges(piece) ? index.find(piece) : NONE);
        }
        int absent = 0;
        for (int i = 0; i < lines.size(); i++) {
            absent += merge(vocabulary, builder, lines.get(i), i) ? 0 : 1;
        }
        if (absent > 0) {
            LOG.log(System.Logger.Level.WARNING, "{0} of {1} entries of metadata {2} name tokens that the vocabulary does not have", absent,
                    lines.size(), GgufVocabulary.MERGES);
        }
        return builder.build();
    }

    /** Puts one in; false if a token of it is absent. */
    private static boolean merge(GgufVocabulary vocabulary, BpeBuilder builder, String line, int rank) {
        int space = line.indexOf(' ', 1);
        if (space < 0 || space + 1 == line.length()) {
            throw new ModelLoadException("metadata " + GgufVocabulary.MERGES + " has \"" + line + "\" at " + rank
                    + ": a merge is two tokens with a space between");
        }
        String left = line.substring(0, space);
        String right = line.substring(space + 1);
        String whole = left + right;
        if (isSpecial(vocabulary, left) || isSpecial(vocabulary, right) || isSpecial(vocabulary, whole)) {
            return true;
        }
        // The first of equal ones counts.
        builder.merge(left, symbol(vocabulary, builder, left), right, symbol(vocabulary, builder, right), rank,
                symbol(vocabulary, builder, whole), false);
        return vocabulary.textId(left) != NONE && vocabulary.textId(right) != NONE && vocabulary.textId(whole) != NONE;
    }

    /**
     * A token, or what merges make where there is none: at the end, the tokens of its bytes, or, where bytes are characters, those of its
     * characters that are ASCII and tokens.
     */
    private static int symbol(GgufVocabulary vocabulary, BpeBuilder builder, String text) {
        int id = vocabulary.textId(text);
        if (id != NONE) {
            return id;
        }
        byte[] utf8 = Pieces.plain(text);
        IntStream ids = builder.hasByteTokens() ? IntStream.range(0, utf8.length).map(i -> builder.byteToken(utf8[i]))
                : text.chars().filter(c -> c < 0x80).map(c -> vocabulary.textId(Character.toString(c)));
        return builder.stranger(text, ids.filter(i -> i != NONE).toArray());
    }

    /**
     * In the style of SentencePiece, by scores.
     *
     * @param unknown stands for characters that have no token where there are none for their bytes
     */
    static BpeModel scored(GgufVocabulary vocabulary, int unknown) {
        return ScoredMerges.model(vocabulary, vocabulary.scores(), unknown);
    }

    private static void byteTokens(GgufVocabulary vocabulary, BpeBuilder builder) {
        for (int id = 0; id < vocabulary.size(); id++) {
            if (vocabulary.isByte(id)) {
                builder.byteToken(Pieces.byteOf(vocabulary.text(id))[0] & 0xFF, id);
            }
        }
    }

    private static void tellTokens(GgufVocabulary vocabulary, BpeBuilder builder) {
        for (int id = 0; id < vocabulary.size(); id++) {
            if (vocabulary.isText(id)) {
                builder.token(vocabulary.text(id), id);
            }
        }
    }

    private static boolean isSpecial(GgufVocabulary vocabulary, String token) {
        return vocabulary.textId(token) == NONE && vocabulary.id(token).isPresent();
    }
}
