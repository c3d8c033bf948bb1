package io.jllm.tokenizer.huggingface;

import io.jllm.tokenizer.subword.AddedToken;
import io.jllm.tokenizer.subword.Segment;
import io.jllm.tokenizer.subword.Words;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

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
    public List<Segment> split(String text, boolean parseSpecial) {
        List<Segment> segments = new ArrayList<>();
        for (Segment outer : raw.split(text, parseSpecial, true)) {
            switch (outer) {
                case Segment.Token t -> segments.add(t);
                case Segment.Text t -> {
                    Normalizer.Normalized n = normalization.apply(t.text(), t.first());
                    segments.addAll(normalized.split(n.text(), parseSpecial, n.first()));
                }
            }
        }
        return segments;
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

        /** @param first whether the whole text begins with it */
        List<Segment> split(String text, boolean parseSpecial, boolean first) {
            List<Segment> segments = new ArrayList<>();
            int done = 0;
            int at = 0;
            while (!longestFirst.isEmpty() && at < text.length()) {
                Pattern found = find(text, at);
                if (found == null) {
                    at++;
                    continue;
                }
                int start = at;
                int end = at + found.text.length();
                at = end;
                AddedToken token = found.token;
                if (token.special() && !parseSpecial || token.singleWord() && Words.goOn(text, start, end)) {
                    continue;
                }
                while (token.leftStrip() && start > done && Words.isSpace(text.charAt(start - 1))) {
                    start--;
                }
                while (token.rightStrip() && end < text.length() && Words.isSpace(text.charAt(end))) {
                    end++;
                }
                addText(segments, text, done, start, first);
                segments.add(new Segment.Token(token.id()));
                done = end;
                at = end;
            }
            addText(segments, text, done, text.length(), first);
            return segments;
        }

        private Pattern find(String text, int at) {
            for (Pattern pattern : longestFirst.getOrDefault(text.charAt(at), List.of())) {
                if (text.startsWith(pattern.text, at)) {
                    return pattern;
                }
            }
            return null;
        }

        private static void addText(List<Segment> segments, String text, int start, int end, boolean first) {
            if (start < end) {
                segments.add(new Segment.Text(text.substring(start, end), first && start == 0));
            }
        }
    }
}
