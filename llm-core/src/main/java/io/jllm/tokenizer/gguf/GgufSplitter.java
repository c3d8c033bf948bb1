package io.jllm.tokenizer.gguf;

import io.jllm.tokenizer.subword.AddedToken;
import io.jllm.tokenizer.subword.Pieces;
import io.jllm.tokenizer.subword.Segment;
import io.jllm.tokenizer.subword.Trust;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Finds tokens written in a text as llama.cpp does: the longest tokens first, each everywhere in what the ones before it left.
 * User-defined tokens are always found, control and unknown ones where special tokens are parsed.
 */
final class GgufSplitter implements Segment.Splitter {
    private final List<AddedToken> longestFirst;
    private final boolean sentencePiece;
    private final boolean spacePrefix;

    private GgufSplitter(List<AddedToken> tokens, boolean sentencePiece, boolean spacePrefix) {
        Comparator<AddedToken> byLength = Comparator.comparingInt(t -> t.text().getBytes(StandardCharsets.UTF_8).length);
        this.longestFirst = tokens.stream().sorted(byLength.reversed().thenComparingInt(AddedToken::id)).toList();
        this.sentencePiece = sentencePiece;
        this.spacePrefix = spacePrefix;
    }

    /** The text between goes to the model as it is. */
    static GgufSplitter plain(List<AddedToken> tokens) {
        return new GgufSplitter(tokens, false, false);
    }

    /**
     * For SentencePiece vocabularies: spaces become U+2581.
     *
     * @param spacePrefix whether a space goes before a text that stands first or after a token
     */
    static GgufSplitter sentencePiece(List<AddedToken> tokens, boolean spacePrefix) {
        return new GgufSplitter(tokens, true, spacePrefix);
    }

    /** From {@code start} to {@code end} (exclusive) of the text: a token, or text yet to be searched. */
    private record Span(int start, int end, AddedToken token) {
        boolean isText() {
            return token == null;
        }
    }

    @Override
    public List<Segment> split(String text, Trust trust) {
        if (text.isEmpty()) {
            return List.of();
        }
        List<Span> spans = List.of(new Span(0, text.length(), null));
        for (AddedToken token : longestFirst) {
            if ((trust != Trust.NONE || !token.special()) && text.contains(token.text())) {
                spans = cut(text, spans, token, trust);
            }
        }
        List<Segment> segments = new ArrayList<>(spans.size());
        boolean afterToken = true;
        for (Span span : spans) {
            segments.add(span.isText() ? new Segment.Text(prepared(text.substring(span.start, span.end), afterToken), span.start == 0)
                    : new Segment.Token(span.token.id()));
            afterToken = !span.isText();
        }
        return segments;
    }

    private static List<Span> cut(String text, List<Span> spans, AddedToken token, Trust trust) {
        List<Span> result = new ArrayList<>(spans.size() + 2);
        for (Span span : spans) {
            if (!span.isText()) {
                result.add(span);
                continue;
            }
            int from = span.start;
            int sought = from;
            for (int at; (at = text.indexOf(token.text(), sought, span.end)) >= 0; ) {
                if (!trust.allows(token, at, at + token.text().length())) {
                    sought = at + 1;
                    continue;
                }
                int left = at;
                while (token.leftStrip() && left > from && isSpace(text.charAt(left - 1))) {
                    left--;
                }
                if (left > from) {
                    result.add(new Span(from, left, null));
                }
                from = at + token.text().length();
                result.add(new Span(at, from, token));
                while (token.rightStrip() && from < span.end && isSpace(text.charAt(from))) {
                    from++;
                }
                sought = from;
            }
            if (from < span.end) {
                result.add(new Span(from, span.end, null));
            }
        }
        return result;
    }

    /** As C's isspace. */
    private static boolean isSpace(char c) {
        return c == ' ' || c >= '\t' && c <= '\r';
    }

    private String prepared(String text, boolean afterToken) {
        if (!sentencePiece) {
            return text;
        }
        String spaced = text.replace(' ', Pieces.SPACE);
        return spacePrefix && afterToken ? Pieces.SPACE + spaced : spaced;
    }
}
