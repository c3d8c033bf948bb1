package io.jllm.tokenizer;

import java.util.Arrays;

/** Finds texts in an array by what they say, at a few bytes each: a map of a large vocabulary takes as much heap as its texts. */
final class TextIndex {
    private static final int EMPTY = -1;

    private final String[] texts;
    private final int[] places;

    /** Over these texts, none of which is known yet. */
    TextIndex(String[] texts) {
        this.texts = texts;
        places = new int[Integer.highestOneBit(Math.max(texts.length, 1)) * 4];
        Arrays.fill(places, EMPTY);
    }

    /** Makes one known; where an equal one is, that stays, and its number is returned, -1 otherwise. */
    int add(int number) {
        int place = place(texts[number]);
        int before = places[place];
        if (before == EMPTY) {
            places[place] = number;
        }
        return before;
    }

    /** The number of a text, -1 if it is not known. */
    int find(String text) {
        return places[place(text)];
    }

    /** Where it is, or would be. */
    private int place(String text) {
        int hash = text.hashCode();
        int place = (hash ^ hash >>> 15) & places.length - 1;
        while (places[place] != EMPTY && !texts[places[place]].equals(text)) {
            place = place + 1 & places.length - 1;
        }
        return place;
    }
}
