package io.jllm.tokenizer;

import io.jllm.ModelLoadException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;

/** The pairs of tokens that BPE merges, best first. */
final class Merges {
    private Merges() {
    }

    /**
     * From the list in a GGUF file. Pairs that make a special token are left out: plain text never becomes one.
     *
     * @throws ModelLoadException if a part or the whole of a pair is no token
     */
    static List<String[]> listed(GgufVocabulary vocabulary) {
        List<String> lines = vocabulary.merges();
        List<String[]> merges = new ArrayList<>(lines.size());
        Set<String> seen = HashSet.newHashSet(lines.size());
        for (int i = 0; i < lines.size(); i++) {
            String line = lines.get(i);
            int space = line.indexOf(' ', 1);
            if (space < 0 || space + 1 == line.length()) {
                throw new ModelLoadException("metadata " + GgufVocabulary.MERGES + " has \"" + line + "\" at " + i
                        + ": a merge is two tokens with a space between");
            }
            String left = line.substring(0, space);
            String right = line.substring(space + 1);
            boolean usable = true;
            for (String token : new String[] {left, right, left + right}) {
                OptionalInt id = vocabulary.id(token);
                if (id.isEmpty()) {
                    throw new ModelLoadException("metadata " + GgufVocabulary.MERGES + " has \"" + line + "\" at " + i + ", but \""
                            + token + "\" is no token");
                }
                usable &= vocabulary.isText(id.getAsInt());
            }
            if (usable && seen.add(line)) { // the first of equal ones counts
                merges.add(new String[] {left, right});
            }
        }
        return merges;
    }

    private record Scored(String left, String right, double score) {
    }

    /**
     * From the scores of a SentencePiece model: each way to put a token together from two others, by falling score. The order
     * among equals is that of Hugging Face's converter: the longer left part first.
     */
    static List<String[]> scored(GgufVocabulary vocabulary) {
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
        return merges.stream().map(m -> new String[] {m.left, m.right}).toList();
    }

    private static int next(String token, int at) {
        return token.offsetByCodePoints(at, 1);
    }

    private static boolean isText(GgufVocabulary vocabulary, String token) {
        OptionalInt id = vocabulary.id(token);
        return id.isPresent() && vocabulary.isText(id.getAsInt());
    }
}
