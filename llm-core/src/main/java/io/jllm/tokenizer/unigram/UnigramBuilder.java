package io.jllm.tokenizer.unigram;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/** Puts a {@link UnigramModel} together. For one thread. */
public final class UnigramBuilder {
    static final int NONE = -1;
    /** By how much a character that is no piece scores less than the worst piece. */
    public static final float PENALTY = 10;

    final Map<String, Integer> pieces = new HashMap<>();
    final double[] scores;
    /** The token of each byte. */
    final int[] bytes = new int[256];
    final int unknown;
    final Sums sums;
    double unknownScore;

    /** How scores are added up; ties and near ties come out otherwise. */
    public enum Sums {
        /** In floats, as sentencepiece 0.2.3 has them; some versions before it compared rounded sums with others. */
        FLOAT,
        /** As Hugging Face tokenizers and llama.cpp have them. */
        DOUBLE
    }

    /**
     * Without pieces.
     *
     * @param size tokens, those included that are no pieces
     * @param unknown the token of what is no piece
     */
    public UnigramBuilder(int size, int unknown, Sums sums) {
        scores = new double[size];
        Arrays.fill(bytes, NONE);
        this.unknown = unknown;
        this.sums = sums;
    }

    /** A piece and the logarithm of its probability; an equal one from before is forgotten. */
    public void piece(String text, int id, double score) {
        if (!text.isEmpty()) {
            pieces.put(text, id);
            scores[id] = score;
        }
    }

    /** A piece that is preferred to others, the longer the more, as sentencepiece 0.2.3 has it with those that users define. */
    public void preferred(String text, int id) {
        piece(text, id, (float) (0.1 * (text.getBytes(StandardCharsets.UTF_8).length - 1)));
    }

    /** The token of a byte: a stretch of no pieces becomes those of its bytes where each has one. */
    public void byteToken(int b, int id) {
        bytes[b] = id;
    }

    /**
     * The model.
     *
     * @param strangerScore of a character that is no piece
     */
    public UnigramModel build(double strangerScore) {
        unknownScore = strangerScore;
        return new UnigramModel(this);
    }
}
