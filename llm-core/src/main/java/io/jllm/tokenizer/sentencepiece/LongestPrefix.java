package io.jllm.tokenizer.sentencepiece;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Finds which of some strings stands at a place, the longest if there are several. */
public final class LongestPrefix {
    private final Map<Character, List<String>> longestFirst = new HashMap<>();

    public LongestPrefix(List<String> strings) {
        for (String s : strings) {
            if (!s.isEmpty()) {
                longestFirst.computeIfAbsent(s.charAt(0), _ -> new ArrayList<>()).add(s);
            }
        }
        longestFirst.values().forEach(l -> l.sort(Comparator.comparingInt(String::length).reversed()));
    }

    /** The length of what stands there, 0 if it is none of them. */
    int at(String text, int place) {
        for (String s : longestFirst.getOrDefault(text.charAt(place), List.of())) {
            if (text.startsWith(s, place)) {
                return s.length();
            }
        }
        return 0;
    }
}
