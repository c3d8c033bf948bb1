package io.jllm.tokenizer.sentencepiece;

import io.jllm.tokenizer.subword.Pieces;

/**
 * What a text becomes before a SentencePiece model cuts it: by the table of the model, with U+2581 for each space, without superfluous ones,
 * and with one before it. Source: sentencepiece ({@code normalizer.cc}). Thread-safe.
 */
public final class SentencePieceNormalizer {
    private static final String SPACE = String.valueOf(Pieces.SPACE);

    private final SentencePieceModel model;
    private final LongestPrefix kept;

    /** @param model whose user-defined pieces stay as they are */
    public SentencePieceNormalizer(SentencePieceModel model) {
        this.model = model;
        kept = new LongestPrefix(model.pieces().stream().filter(p -> p.kind() == SentencePieceModel.Kind.USER_DEFINED)
                .map(SentencePieceModel.Piece::text).toList());
    }

    /**
     * Normalizes a text.
     *
     * @param text without unpaired surrogates
     * @param prefix whether a space goes before it
     */
    public String apply(String text, boolean prefix) {
        String mapped = model.charsmap().map(map -> map.apply(text, kept)).orElse(text);
        String spaced = model.removesSpaces() ? tidied(mapped) : mapped;
        if (model.removesSpaces() ? spaced.isEmpty() : text.isEmpty()) {
            return "";
        }
        String marked = (prefix ? " " + spaced : spaced).replace(' ', Pieces.SPACE);
        if (model.removesSpaces()) {
            while (marked.endsWith(SPACE)) {
                marked = marked.substring(0, marked.length() - 1);
            }
        }
        return marked;
    }

    /** Without spaces at the start, and with one where several stand together. */
    private static String tidied(String text) {
        var result = new StringBuilder(text.length());
        boolean afterSpace = true;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c != ' ' || !afterSpace) {
                result.append(c);
            }
            afterSpace = c == ' ';
        }
        return result.toString();
    }
}
