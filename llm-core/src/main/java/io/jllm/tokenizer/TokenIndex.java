package io.jllm.tokenizer;

import java.util.Arrays;
import java.util.function.IntPredicate;

/** Finds tokens of a vocabulary by how they are written, at a few bytes each. Immutable. */
final class TokenIndex {
    private static final int EMPTY = -1;

    private final Vocabulary vocabulary;
    private final int[] places;

    /** Over those tokens that pass. */
    TokenIndex(Vocabulary vocabulary, IntPredicate which) {
        this.vocabulary = vocabulary;
        places = new int[Integer.highestOneBit(Math.max(vocabulary.size(), 1)) * 4];
        Arrays.fill(places, EMPTY);
        for (int id = 0; id < vocabulary.size(); id++) {
            if (which.test(id)) {
                places[place(vocabulary.text(id))] = id;
            }
        }
    }

    /** The id of a token, negative if there is none. */
    int find(String text) {
        return places[place(text)];
    }

    /** Where it is, or would be. */
    private int place(String text) {
        int hash = text.hashCode();
        int place = (hash ^ hash >>> 15) & places.length - 1;
        while (places[place] != EMPTY && !vocabulary.text(places[place]).equals(text)) {
            place = place + 1 & places.length - 1;
        }
        return place;
    }
}
