package io.jllm.tokenizer;

import io.jllm.ModelLoadException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalInt;

/** The pairs of tokens that BPE merges, best first. They are told one by one: hundreds of thousands as objects would take much heap. */
interface Merges {
    /** How many there are at most. */
    int most();

    /** Whether a token of one may have a space in it. */
    boolean spaced();

    /** Tells them all. */
    void each(Sink sink);

    /** Takes them. */
    @FunctionalInterface
    interface Sink {
        /** The next pair. */
        void merge(String left, String right);
    }

    /**
     * From the list in a GGUF file. Pairs that make a special token are left out: plain text never becomes one.
     *
     * @return throws a {@link ModelLoadException} as it tells them, if a part or the whole of a pair is no token
     */
    static Merges listed(GgufVocabulary vocabulary) {
        List<String> lines = vocabulary.merges();
        return new Merges() {
            @Override
            public int most() {
                return lines.size();
            }

            @Override
            public boolean spaced() {
                return vocabulary.spaced();
            }

            @Override
            public void each(Sink sink) {
                listed(vocabulary, lines, sink);
            }
        };
    }

    private static void listed(GgufVocabulary vocabulary, List<String> lines, Sink sink) {
        PairSet seen = new PairSet(lines.size());
        for (int i = 0; i < lines.size(); i++) {
            String line = lines.get(i);
            int space = line.indexOf(' ', 1);
            if (space < 0 || space + 1 == line.length()) {
                throw new ModelLoadException("metadata " + GgufVocabulary.MERGES + " has \"" + line + "\" at " + i
                        + ": a merge is two tokens with a space between");
            }
            String left = line.substring(0, space);
            String right = line.substring(space + 1);
            int leftId = id(vocabulary, left, line, i);
            int rightId = id(vocabulary, right, line, i);
            int wholeId = id(vocabulary, left + right, line, i);
            boolean usable = vocabulary.isText(leftId) && vocabulary.isText(rightId) && vocabulary.isText(wholeId);
            if (usable && seen.add(leftId, rightId)) { // the first of equal ones counts
                sink.merge(left, right);
            }
        }
    }

    private static int id(GgufVocabulary vocabulary, String token, String line, int at) {
        return vocabulary.id(token).orElseThrow(() -> new ModelLoadException("metadata " + GgufVocabulary.MERGES + " has \"" + line + "\" at "
                + at + ", but \"" + token + "\" is no token"));
    }

    /** A pair and the score of the token that it makes. */
    record Scored(String left, String right, double score) {
    }

    /**
     * From the scores of a SentencePiece model: each way to put a token together from two others, by falling score. The order
     * among equals is that of Hugging Face's converter: the longer left part first.
     */
    static Merges scored(GgufVocabulary vocabulary) {
        double[] scores = vocabulary.scores();
        List<Scored> merges = new ArrayList<>(2 * scores.length);
        for (int id = 0; id < scores.length; id++) {
            String token = vocabulary.text(id);
            for (int cut = next(token, 0); vocabulary.isText(id) && cut < token.length(); cut = next(token, cut)) {
                String left = token.substring(0, cut);
                String right = token.substring(cut);
                if (isText(vocabulary, left) && isText(vocabulary, right)) {
                    merges.add(new Scored(left, right, scores[id]));
                }
            }
        }
        merges.sort(Comparator.comparingDouble(Scored::score).reversed()
                .thenComparing(Comparator.<Scored>comparingInt(m -> m.left.length()).reversed())
                .thenComparing(Comparator.<Scored>comparingInt(m -> m.right.length()).reversed()));
        return new Merges() {
            @Override
            public int most() {
                return merges.size();
            }

            @Override
            public boolean spaced() {
                return vocabulary.spaced();
            }

            @Override
            public void each(Sink sink) {
                for (Scored m : merges) {
                    sink.merge(m.left, m.right);
                }
            }
        };
    }

    private static int next(String token, int at) {
        return token.offsetByCodePoints(at, 1);
    }

    private static boolean isText(GgufVocabulary vocabulary, String token) {
        OptionalInt id = vocabulary.id(token);
        return id.isPresent() && vocabulary.isText(id.getAsInt());
    }
}
