package io.jllm.tokenizer.sentencepiece;

import io.jllm.tokenizer.subword.Pieces;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

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
        String mapped = model.charsmap().isPresent() ? mapped(text, model.charsmap().get()) : text;
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

    private String mapped(String text, Charsmap map) {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        var result = new StringBuilder(text.length());
        int at = 0;
        for (int c = 0; c < text.length(); ) {
            int whole = kept.at(text, c);
            var match = whole > 0 ? Optional.<Charsmap.Match>empty() : map.longest(utf8, at);
            int bytes;
            if (match.isPresent()) {
                result.append(match.get().text());
                bytes = match.get().length();
            } else {
                int chars = whole > 0 ? whole : Character.charCount(text.codePointAt(c));
                String same = text.substring(c, c + chars);
                result.append(same);
                bytes = same.getBytes(StandardCharsets.UTF_8).length;
            }
            at += bytes;
            c += chars(utf8, at - bytes, bytes);
        }
        return result.toString();
    }

    /** How many chars so many bytes of UTF-8 are. */
    private static int chars(byte[] utf8, int from, int count) {
        int chars = 0;
        for (int i = from; i < from + count; i++) {
            int b = utf8[i] & 0xFF;
            chars += b >= 0xF0 ? 2 : b < 0x80 || b >= 0xC0 ? 1 : 0;
        }
        return chars;
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
