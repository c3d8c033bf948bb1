package io.jllm.tokenizer.subword;

import io.jllm.ModelLoadException;
import io.jllm.tokenizer.bpe.BpeBuilder;
import io.jllm.tokenizer.bpe.BpeModel;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Vocabularies in the style of SentencePiece, which have scores and no merges: two neighbours merge if together they are a token, the
 * highest score first, the leftmost of equal ones. Source: sentencepiece ({@code bpe_model.cc}) and llama.cpp ({@code llama-vocab.cpp}).
 */
public final class ScoredMerges {
    /** Characters of the longest token there may be: the work grows as the square of it. */
    public static final int MAX_TOKEN = 1024;
    private static final int NONE = -1;

    /** The tokens. */
    public interface Tokens {
        /** How many there are: ids begin at 0. */
        int size();

        /** How one is written. */
        String text(int id);

        /** Whether it is a part of words, that plain text may become. */
        boolean isText(int id);

        /** Whether it stands for a byte; then it is written {@code <0xNN>}. */
        boolean isByte(int id);

        /** The id of one that is a part of words, by how it is written; negative if there is none. */
        int textId(String text);
    }

    private ScoredMerges() {
    }

    /**
     * The model.
     *
     * @param scores for each token
     * @param unknown stands for characters that have no token where there are none for their bytes
     * @throws ModelLoadException if a token is longer than {@link #MAX_TOKEN}
     */
    public static BpeModel model(Tokens tokens, double[] scores, int unknown) {
        var builder = new BpeBuilder(tokens.size(), 2 * tokens.size());
        for (int id = 0; id < tokens.size(); id++) {
            if (tokens.isText(id)) {
                builder.token(tokens.text(id), id);
            }
            if (tokens.isByte(id)) {
                builder.byteToken(Pieces.byteOf(tokens.text(id))[0] & 0xFF, id);
            }
        }
        builder.unknown(unknown, true);
        double[] falling = Arrays.stream(scores).map(s -> 0.0 - s).sorted().distinct().toArray();
        for (int id = 0; id < scores.length; id++) {
            if (tokens.isText(id)) {
                String token = tokens.text(id);
                if (token.length() > MAX_TOKEN) {
                    throw new ModelLoadException("token " + id + " has " + token.length() + " characters; where scores say what is merged, one has "
                            + "at most " + MAX_TOKEN);
                }
                int rank = Arrays.binarySearch(falling, 0.0 - scores[id]);
                for (int cut = next(token, 0); cut < token.length(); cut = next(token, cut)) {
                    String left = token.substring(0, cut);
                    String right = token.substring(cut);
                    int leftSymbol = part(tokens, builder, left, unknown);
                    int rightSymbol = part(tokens, builder, right, unknown);
                    if (leftSymbol != NONE && rightSymbol != NONE) {
                        builder.merge(left, leftSymbol, right, rightSymbol, rank, id, true);
                    }
                }
            }
        }
        return builder.build();
    }

    /** A token, or a character that is none: it may still be a part of a token, and falls apart into bytes where it is not. */
    private static int part(Tokens tokens, BpeBuilder builder, String text, int unknown) {
        int id = tokens.textId(text);
        if (id >= 0 || next(text, 0) < text.length()) {
            return Math.max(id, NONE);
        }
        byte[] utf8 = Pieces.plain(text);
        int[] ids = IntStream.range(0, utf8.length).map(i -> builder.byteToken(utf8[i])).toArray();
        return builder.stranger(text, Arrays.stream(ids).anyMatch(i -> i == NONE) ? new int[] {unknown} : ids);
    }

    private static int next(String token, int at) {
        return token.offsetByCodePoints(at, 1);
    }
}
