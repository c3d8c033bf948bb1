package io.jllm.tokenizer;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Finds added tokens in a text as Hugging Face's tokenizers do ({@code added_vocabulary.rs}): from the left, the longest at each
 * place; first those to be found in the text as it is, then, between them, those of normalized text.
 */
final class HuggingFaceSplitter implements Segment.Splitter {
    private final Finder raw;
    private final Finder normalized;
    private final Optional<Normalizer> normalizer;
    private final String firstPrefix;

    HuggingFaceSplitter(List<AddedToken> tokens, HuggingFaceFormat format) {
        normalizer = format.normalizer();
        firstPrefix = format.firstPrefix();
        raw = new Finder(tokens.stream().filter(t -> !t.normalized()).toList(), Optional.empty());
        normalized = new Finder(tokens.stream().filter(AddedToken::normalized).toList(), normalizer);
    }

    @Override
    public List<Segment> split(String text, boolean parseSpecial) {
        List<Segment> segments = new ArrayList<>();
        for (Segment outer : raw.split(text, parseSpecial)) {
            switch (outer) {
                case Segment.Token t -> segments.add(t);
                case Segment.Text t -> {
                    String piece = normalizer.map(n -> n.apply(t.text())).orElse(t.text());
                    segments.addAll(normalized.split(piece, parseSpecial));
                }
            }
        }
        if (!segments.isEmpty() && segments.getFirst() instanceof Segment.Text(String first) && !startsWithSpace(first)) {
            segments.set(0, new Segment.Text(firstPrefix + first));
        }
        return segments;
    }

    private static boolean startsWithSpace(String text) {
        return text.charAt(0) == ' ' || text.charAt(0) == Pieces.SPACE;
    }

    /** Finds tokens of one of the two kinds. */
    private static final class Finder {
        /** A token as it is to be found. */
        private record Pattern(String text, AddedToken token) {
        }

        private final Map<Character, List<Pattern>> longestFirst = new HashMap<>();

        Finder(List<AddedToken> tokens, Optional<Normalizer> normalizer) {
            for (AddedToken token : tokens) {
                String text = normalizer.map(n -> n.apply(token.text())).orElse(token.text());
                if (!text.isEmpty()) {
                    longestFirst.computeIfAbsent(text.charAt(0), _ -> new ArrayList<>()).add(new Pattern(text, token));
                }
            }
            longestFirst.values().forEach(l -> l.sort(Comparator.comparingInt((Pattern p) -> p.text.length()).reversed()));
        }

        List<Segment> split(String text, boolean parseSpecial) {
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
                addText(segments, text, done, start);
                segments.add(new Segment.Token(token.id()));
                done = end;
                at = end;
            }
            addText(segments, text, done, text.length());
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

        private static void addText(List<Segment> segments, String text, int start, int end) {
            if (start < end) {
                segments.add(new Segment.Text(text.substring(start, end)));
            }
        }
    }
}
