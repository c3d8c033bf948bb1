package io.jllm.tokenizer.huggingface;

import io.jllm.tokenizer.TextPiece;
import io.jllm.tokenizer.subword.AddedToken;
import io.jllm.tokenizer.subword.Pieces;
import io.jllm.tokenizer.subword.Segment;
import io.jllm.tokenizer.subword.Trust;
import io.jllm.tokenizer.subword.Words;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Finds added tokens in a text as Hugging Face's tokenizers do ({@code added_vocabulary.rs}): from the left, the longest at each
 * place; first those to be found in the text as it is, then, between them, those of normalized text.
 */
final class HuggingFaceSplitter implements Segment.Splitter {
    /** What becomes of a text, and whether the start of that is still the start of the whole text. */
    interface Normalization {
        /** @param first whether the whole text begins with it */
        Normalizer.Normalized apply(String text, boolean first);
    }

    private final Finder raw;
    private final Finder normalized;
    private final Normalization normalization;

    private HuggingFaceSplitter(Finder raw, Finder normalized, Normalization normalization) {
        this.raw = raw;
        this.normalized = normalized;
        this.normalization = normalization;
    }

    HuggingFaceSplitter(List<AddedToken> tokens, Normalizer normalizer) {
        this(new Finder(tokens.stream().filter(t -> !t.normalized()).toList(), Normalizer.NONE),
                new Finder(tokens.stream().filter(AddedToken::normalized).toList(), normalizer), normalizer::apply);
    }

    /**
     * For tokens that are written as they are to be found.
     *
     * @param raw found in the text as it is
     * @param normalized found in what it becomes
     */
    static HuggingFaceSplitter of(List<AddedToken> raw, List<AddedToken> normalized, Normalization normalization) {
        return new HuggingFaceSplitter(new Finder(raw, Normalizer.NONE), new Finder(normalized, Normalizer.NONE), normalization);
    }

    @Override
    public List<Segment> split(String text, Trust trust) {
        List<Segment> segments = new ArrayList<>();
        raw.split(text, trust, true, segments::add, (from, to, first) -> {
            String part = text.substring(from, to);
            Normalizer.Normalized n = normalization.apply(part, first);
            normalized.split(n.text(), ofNormalized(part, n, first, trust.part(from, to)), n.first(), segments::add,
                    (start, end, still) -> segments.add(new Segment.Text(n.text().substring(start, end), still)));
        });
        return segments;
    }

    /** Whose characters a normalized text is made of. */
    private Trust ofNormalized(String text, Normalizer.Normalized n, boolean first, Trust trust) {
        if (!trust.isMixed() || normalized.isEmpty()) {
            return trust;
        }
        int more = n.text().length() - text.length();
        boolean shifted = more >= 0;
        for (int i = 0; i < text.length() && shifted; i++) {
            char now = n.text().charAt(i + more);
            shifted = now == text.charAt(i) || now == Pieces.SPACE && text.charAt(i) == ' ';
        }
        return shifted ? trust.shifted(more) : ofRuns(text, n, first, trust);
    }

    /** Where the runs of one origin give the same, each by itself, it is known what became of each. Else nothing is trusted. */
    private Trust ofRuns(String text, Normalizer.Normalized n, boolean first, Trust trust) {
        List<TextPiece> pieces = new ArrayList<>();
        StringBuilder all = new StringBuilder();
        for (int from = 0, to; from < text.length(); from = to) {
            to = trust.runEnd(from, text.length());
            String run = normalization.apply(text.substring(from, to), first && from == 0).text();
            pieces.add(new TextPiece(run, trust.isTrusted(from)));
            all.append(run);
        }
        return all.toString().equals(n.text()) ? Trust.of(pieces) : Trust.data(n.text().length());
    }

    /** Gets a text between tokens. */
    private interface Between {
        /** @param first whether the whole text begins with it */
        void text(int from, int to, boolean first);
    }

    /** Finds tokens of one of the two kinds. */
    private static final class Finder {
        /** A token as it is to be found. */
        private record Pattern(String text, AddedToken token) {
        }

        private final Map<Character, List<Pattern>> longestFirst = new HashMap<>();

        Finder(List<AddedToken> tokens, Normalizer normalizer) {
            for (AddedToken token : tokens) {
                String text = normalizer.apply(token.text(), false).text();
                if (!text.isEmpty()) {
                    longestFirst.computeIfAbsent(text.charAt(0), _ -> new ArrayList<>()).add(new Pattern(text, token));
                }
            }
            longestFirst.values().forEach(l -> l.sort(Comparator.comparingInt((Pattern p) -> p.text.length()).reversed()));
        }

        boolean isEmpty() {
            return longestFirst.isEmpty();
        }

        /** @param first whether the whole text begins with it */
        void split(String text, Trust trust, boolean first, Consumer<Segment.Token> tokens, Between between) {
            int done = 0;
            int at = 0;
            while (!longestFirst.isEmpty() && at < text.length()) {
                Pattern found = find(text, at, trust);
                if (found == null) {
                    at++;
                    continue;
                }
                int start = at;
                int end = at + found.text.length();
                at = end;
                AddedToken token = found.token;
                if (!trust.allows(token, start, end) || token.singleWord() && Words.goOn(text, start, end)) {
                    continue;
                }
                while (token.leftStrip() && start > done && Words.isSpace(text.charAt(start - 1))) {
                    start--;
                }
                while (token.rightStrip() && end < text.length() && Words.isSpace(text.charAt(end))) {
                    end++;
                }
                if (done < start) {
                    between.text(done, start, first && done == 0);
                }
                tokens.accept(new Segment.Token(token.id()));
                done = end;
                at = end;
            }
            if (done < text.length()) {
                between.text(done, text.length(), first && done == 0);
            }
        }

        /** The longest one; of a text of pieces the longest that may be found there. */
        private Pattern find(String text, int at, Trust trust) {
            for (Pattern pattern : longestFirst.getOrDefault(text.charAt(at), List.of())) {
                if (text.startsWith(pattern.text, at) && (!trust.isMixed() || trust.allows(pattern.token, at, at + pattern.text.length()))) {
                    return pattern;
                }
            }
            return null;
        }
    }
}
