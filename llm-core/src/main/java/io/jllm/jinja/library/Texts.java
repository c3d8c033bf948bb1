package io.jllm.jinja.library;

import io.jllm.jinja.value.JinjaException;
import io.jllm.jinja.value.Meter;
import io.jllm.jinja.value.Printing;
import io.jllm.jinja.value.Str;
import io.jllm.jinja.value.TextBuilder;
import io.jllm.jinja.value.Value;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.IntPredicate;

/** What filters and methods do with strings, as Python's strings do it. Whoever wrote a character has written it after that too. */
final class Texts {
    private Texts() {
    }

    /** Without what stands at its ends: white space, or these characters. */
    static Str strip(Str s, Optional<Str> characters, boolean left, boolean right) {
        String text = s.text();
        IntPredicate goes = characters.<IntPredicate>map(c -> x -> c.text().indexOf(x) >= 0).orElse(Str::isSpace);
        int from = 0;
        int to = text.length();
        while (left && from < to && goes.test(text.codePointAt(from))) {
            from += Character.charCount(text.codePointAt(from));
        }
        while (right && to > from && goes.test(text.codePointBefore(to))) {
            to -= Character.charCount(text.codePointBefore(to));
        }
        return s.part(from, to);
    }

    /** @param most how many are replaced at most; all if negative */
    static Str replace(Str s, Str old, Str with, int most, Meter meter) {
        String text = s.text();
        String sought = old.text();
        if (!text.contains(sought)) {
            return s;
        }
        TextBuilder out = new TextBuilder(meter);
        int done = 0;
        int from = 0;
        for (int count = 0; count != most; count++) {
            meter.step();
            int at = text.indexOf(sought, from);
            if (at < 0) {
                break;
            }
            out.add(s, done, at).add(with);
            done = at + sought.length();
            from = done;
            if (sought.isEmpty()) { // stands before each character and at the end
                if (from >= text.length()) {
                    break;
                }
                from += Character.charCount(text.codePointAt(from));
            }
        }
        return out.add(s, done, text.length()).build();
    }

    /** Parts between separators, or between runs of white space without one. */
    static List<Value> split(Str s, Optional<Str> separator, int most, Meter meter) {
        meter.steps(s.text().length());
        return separator.isPresent() ? splitAt(s, notEmpty(separator.get()), most) : splitWords(s, most);
    }

    private static String notEmpty(Str separator) {
        if (separator.isEmpty()) {
            throw new JinjaException("empty separator");
        }
        return separator.text();
    }

    private static List<Value> splitAt(Str s, String separator, int most) {
        List<Value> parts = new ArrayList<>();
        int from = 0;
        for (int at; parts.size() != most && (at = s.text().indexOf(separator, from)) >= 0; from = at + separator.length()) {
            parts.add(s.part(from, at));
        }
        parts.add(s.part(from, s.text().length()));
        return parts;
    }

    private static List<Value> splitWords(Str s, int most) {
        String text = s.text();
        List<Value> parts = new ArrayList<>();
        int at = 0;
        while (true) {
            while (at < text.length() && Str.isSpace(text.charAt(at))) {
                at++;
            }
            if (at == text.length()) {
                return parts;
            }
            if (parts.size() == most) {
                parts.add(s.part(at, text.length()));
                return parts;
            }
            int end = at;
            while (end < text.length() && !Str.isSpace(text.charAt(end))) {
                end++;
            }
            parts.add(s.part(at, end));
            at = end;
        }
    }

    /** As {@link #split}, but from the end on. */
    static List<Value> splitFromEnd(Str s, Optional<Str> separator, int most, Meter meter) {
        if (most < 0) {
            return split(s, separator, most, meter);
        }
        meter.steps(s.text().length());
        List<Value> parts = new ArrayList<>();
        String text = s.text();
        int to = text.length();
        if (separator.isPresent()) {
            String sought = notEmpty(separator.get());
            for (int at; parts.size() < most && (at = text.lastIndexOf(sought, to - sought.length())) >= 0 && to >= sought.length(); to = at) {
                parts.add(s.part(at + sought.length(), to));
            }
            parts.add(s.part(0, to));
        } else {
            to = wordsFromEnd(s, most, parts);
            Str rest = strip(s.part(0, to), Optional.empty(), false, true);
            if (!strip(rest, Optional.empty(), true, true).isEmpty()) {
                parts.add(rest);
            }
        }
        Collections.reverse(parts);
        return parts;
    }

    private static int wordsFromEnd(Str s, int most, List<Value> parts) {
        String text = s.text();
        int to = text.length();
        while (parts.size() < most) {
            while (to > 0 && Str.isSpace(text.charAt(to - 1))) {
                to--;
            }
            int start = to;
            while (start > 0 && !Str.isSpace(text.charAt(start - 1))) {
                start--;
            }
            if (start == to) {
                break;
            }
            parts.add(s.part(start, to));
            to = start;
        }
        return to;
    }

    /** The lines, with the breaks between them or without. */
    static List<Value> lines(Str s, boolean keepEnds, Meter meter) {
        String text = s.text();
        meter.steps(text.length());
        List<Value> lines = new ArrayList<>();
        int from = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c >= '\n' && c <= '\r' || c >= 0x1C && c <= 0x1E || c == 0x85 || c == 0x2028 || c == 0x2029) {
                int next = c == '\r' && i + 1 < text.length() && text.charAt(i + 1) == '\n' ? i + 2 : i + 1;
                lines.add(s.part(from, keepEnds ? next : i));
                from = next;
                i = next - 1;
            }
        }
        if (from < text.length()) {
            lines.add(s.part(from, text.length()));
        }
        return lines;
    }

    static Str upper(Str s, Meter meter) {
        return s.mapped(t -> t.toUpperCase(Locale.ROOT), meter);
    }

    static Str lower(Str s, Meter meter) {
        return s.mapped(t -> t.toLowerCase(Locale.ROOT), meter);
    }

    static Str capitalize(Str s, Meter meter) {
        return s.mapped(Texts::capitalized, meter);
    }

    private static String capitalized(String text) {
        if (text.isEmpty()) {
            return text;
        }
        int first = Character.charCount(text.codePointAt(0));
        return titled(text.codePointAt(0)) + text.substring(first).toLowerCase(Locale.ROOT);
    }

    /** A letter as words begin with it. One that becomes several has the first that is a capital as its capital. */
    private static String titled(int letter) {
        if (Character.toTitleCase(letter) != letter) {
            return Character.toString(Character.toTitleCase(letter));
        }
        String upper = Character.toString(letter).toUpperCase(Locale.ROOT);
        int capital = 0;
        while (capital < upper.length() - 1 && !Character.isUpperCase(upper.charAt(capital))) {
            capital++;
        }
        return upper.codePointCount(0, upper.length()) == 1 ? Character.toString(letter)
                : upper.substring(0, capital + 1) + upper.substring(capital + 1).toLowerCase(Locale.ROOT);
    }

    /** {@code str.title}: a capital after whatever is no letter, small letters after letters. */
    static Str title(Str s, Meter meter) {
        return s.mapped(text -> {
            StringBuilder out = new StringBuilder(text.length());
            boolean inWord = false;
            for (int i = 0; i < text.length(); ) {
                String c = Character.toString(text.codePointAt(i));
                out.append(inWord ? c.toLowerCase(Locale.ROOT) : titled(text.codePointAt(i)));
                inWord = Character.isUpperCase(text.codePointAt(i)) || Character.isLowerCase(text.codePointAt(i))
                        || Character.isTitleCase(text.codePointAt(i));
                i += c.length();
            }
            return out.toString();
        }, meter);
    }

    /** The filter {@code title}: a capital after white space, hyphens and opening brackets. */
    static Str titleOfWords(Str s, Meter meter) {
        return s.mapped(text -> {
            StringBuilder out = new StringBuilder(text.length());
            boolean start = true;
            for (int i = 0; i < text.length(); ) {
                int point = text.codePointAt(i);
                String c = Character.toString(point);
                out.append(start ? c.toUpperCase(Locale.ROOT) : c.toLowerCase(Locale.ROOT));
                start = Str.isSpace(point) || "-({[<".indexOf(point) >= 0;
                i += c.length();
            }
            return out.toString();
        }, meter);
    }

    /** Filled up to a width on both sides, on the left or on the right. */
    static Str padded(Str s, int width, Str fill, boolean left, boolean right, Meter meter) {
        if (fill.length() != 1) {
            throw new JinjaException("the fill character must be exactly one character long");
        }
        int missing = Math.max(0, width - s.length());
        meter.characters(missing);
        int before = !left ? 0 : right ? missing / 2 + (missing & width & 1) : missing;
        TextBuilder out = new TextBuilder(meter);
        out.add(fill.text().repeat(before), fill.isTrusted()).add(s).add(fill.text().repeat(missing - before), fill.isTrusted());
        return out.build();
    }

    static Str join(Str separator, List<Value> items, Meter meter) {
        TextBuilder out = new TextBuilder(meter);
        boolean first = true;
        for (Value item : items) {
            meter.step();
            if (!first) {
                out.add(separator);
            }
            first = false;
            Printing.write(item, out, meter);
        }
        return out.build();
    }
}
