package io.jllm.chat.answer;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;

/** Texts that mean something where they stand. The longest that fits counts. */
final class Markers {
    /** None stands here. */
    static final int NONE = -1;
    /** One may stand here: the text ends within it. */
    static final int MORE = -2;

    private final List<String> texts;
    private final String firsts;

    private Markers(List<String> texts) {
        this.texts = texts;
        var first = new StringBuilder();
        texts.forEach(t -> first.append(t.charAt(0)));
        firsts = first.toString();
    }

    static Markers of(Collection<String> texts) {
        return new Markers(texts.stream().distinct().sorted(Comparator.comparingInt(String::length).reversed()).toList());
    }

    static Markers of(String... texts) {
        return of(List.of(texts));
    }

    /** The marker that stands where reading is, as its number for {@link #text}; {@link #NONE} or {@link #MORE}. */
    int match(Input in) {
        if (!in.hasNext() || firsts.indexOf(in.peek()) < 0) {
            return in.hasNext() || in.ended() ? NONE : MORE;
        }
        for (int i = 0; i < texts.size(); i++) {
            String text = texts.get(i);
            int common = in.common(text);
            if (common == text.length()) {
                return i;
            }
            if (common > 0 && !in.ended() && in.isLast(common)) {
                return MORE;
            }
        }
        return NONE;
    }

    String text(int marker) {
        return texts.get(marker);
    }
}
