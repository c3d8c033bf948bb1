package io.jllm.tokenizer.subword;

import java.util.Arrays;
import java.util.function.IntFunction;

/** Finds numbered texts by what they say, at a few bytes each: a map of a large vocabulary takes as much heap as its texts. */
public final class TextIndex {
    private static final int EMPTY = -1;

    private final IntFunction<String> texts;
    private final int[] places;

    /** Over these texts, none of which is known yet. */
    public TextIndex(String[] texts) {
        this(texts.length, number -> texts[number]);
    }

    /**
     * Over texts that lie elsewhere, none of which is known yet.
     *
     * @param count how many there are
     * @param texts the text of a number; always the same
     */
    TextIndex(int count, IntFunction<String> texts) {
        this.texts = texts;
        places = new int[Integer.highestOneBit(Math.max(count, 1)) * 4];
        Arrays.fill(places, EMPTY);
    }

    /** Makes one known; where an equal one is, that stays, and its number is returned, -1 otherwise. */
    public int add(int number) {
        int place = place(texts.apply(number));
        int before = places[place];
        if (before == EMPTY) {
            places[place] = number;
        }
        return before;
    }

    /** The number of a text, -1 if it is not known. */
    public int find(String text) {
        return places[place(text)];
    }

    /** Where it is, or would be. */
    private int place(String text) {
        int hash = text.hashCode();
        int place = (hash ^ hash >>> 15) & places.length - 1;
        while (places[place] != EMPTY && !texts.apply(places[place]).equals(text)) {
            place = place + 1 & places.length - 1;
        }
        return place;
    }
}
