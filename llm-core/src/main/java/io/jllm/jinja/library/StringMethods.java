package io.jllm.jinja.library;

import io.jllm.jinja.value.Bool;
import io.jllm.jinja.value.Int;
import io.jllm.jinja.value.JinjaException;
import io.jllm.jinja.value.Kinds;
import io.jllm.jinja.value.ListValue;
import io.jllm.jinja.value.Meter;
import io.jllm.jinja.value.None;
import io.jllm.jinja.value.Str;
import io.jllm.jinja.value.Subscripts;
import io.jllm.jinja.value.TextBuilder;
import io.jllm.jinja.value.TupleValue;
import io.jllm.jinja.value.Value;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.IntPredicate;

/** The methods of strings. */
final class StringMethods {
    static final Map<String, Builtin> TABLE = new HashMap<>();
    private static final int ALL = -1;

    /** A method of a string. */
    @FunctionalInterface
    private interface OfString {
        Value apply(Str self, Bound arguments);
    }

    static {
        add("upper", (s, a) -> Texts.upper(s, a.meter()));
        add("lower", (s, a) -> Texts.lower(s, a.meter()));
        add("casefold", (s, a) -> Texts.lower(Texts.upper(s, a.meter()), a.meter()));
        add("capitalize", (s, a) -> Texts.capitalize(s, a.meter()));
        add("title", (s, a) -> Texts.title(s, a.meter()));
        add("swapcase", (s, a) -> s.mapped(StringMethods::swapped, a.meter()));
        add("strip", (s, a) -> Texts.strip(s, a.string("chars"), true, true), "chars");
        add("lstrip", (s, a) -> Texts.strip(s, a.string("chars"), true, false), "chars");
        add("rstrip", (s, a) -> Texts.strip(s, a.string("chars"), false, true), "chars");
        add("removeprefix", (s, a) -> s.text().startsWith(string(a, "prefix").text())
                ? s.part(string(a, "prefix").text().length(), s.text().length()) : s, "prefix");
        add("removesuffix", (s, a) -> s.text().endsWith(string(a, "suffix").text())
                ? s.part(0, s.text().length() - string(a, "suffix").text().length()) : s, "suffix");
        add("split", (s, a) -> new ListValue(Texts.split(s, a.string("sep"), a.whole("maxsplit", ALL), a.meter())), "sep", "maxsplit");
        add("rsplit", (s, a) -> new ListValue(Texts.splitFromEnd(s, a.string("sep"), a.whole("maxsplit", ALL), a.meter())), "sep", "maxsplit");
        add("splitlines", (s, a) -> new ListValue(Texts.lines(s, a.flag("keepends"), a.meter())), "keepends");
        add("partition", (s, a) -> partition(s, string(a, "sep"), false), "sep");
        add("rpartition", (s, a) -> partition(s, string(a, "sep"), true), "sep");
        add("replace", (s, a) -> Texts.replace(s, string(a, "old"), string(a, "new"), a.whole("count", ALL), a.meter()), "old", "new", "count");
        add("join", (s, a) -> Texts.join(s, strings(a), a.meter()), "iterable");
        add("startswith", (s, a) -> Bool.of(begins(s, a, true)), "prefix", "start", "end");
        add("endswith", (s, a) -> Bool.of(begins(s, a, false)), "prefix", "start", "end");
        add("find", (s, a) -> new Int(find(s, a, false)), "sub", "start", "end");
        add("rfind", (s, a) -> new Int(find(s, a, true)), "sub", "start", "end");
        add("index", (s, a) -> new Int(found(find(s, a, false))), "sub", "start", "end");
        add("rindex", (s, a) -> new Int(found(find(s, a, true))), "sub", "start", "end");
        add("count", (s, a) -> new Int(count(within(s, a), string(a, "sub").text())), "sub", "start", "end");
        add("center", (s, a) -> Texts.padded(s, a.whole("width", 0), fill(a), true, true, a.meter()), "width", "fillchar");
        add("ljust", (s, a) -> Texts.padded(s, a.whole("width", 0), fill(a), false, true, a.meter()), "width", "fillchar");
        add("rjust", (s, a) -> Texts.padded(s, a.whole("width", 0), fill(a), true, false, a.meter()), "width", "fillchar");
        add("zfill", (s, a) -> filled(s, a.whole("width", 0), a.meter()), "width");
        add("isspace", (s, a) -> all(s, Str::isSpace));
        add("isalpha", (s, a) -> all(s, Character::isLetter));
        add("isdigit", (s, a) -> all(s, Character::isDigit));
        add("isdecimal", (s, a) -> all(s, Character::isDigit));
        add("isnumeric", (s, a) -> all(s, StringMethods::isNumeric));
        add("isalnum", (s, a) -> all(s, c -> Character.isLetter(c) || isNumeric(c)));
        add("isascii", (s, a) -> Bool.of(s.text().chars().allMatch(c -> c < 128)));
        add("isupper", (s, a) -> Bool.of(isCase(s, true)));
        add("islower", (s, a) -> Bool.of(isCase(s, false)));
        add("isidentifier", (s, a) -> Bool.of(isIdentifier(s.text())));
        Builtin.addOfAll(TABLE, "format", (s, a) -> Formatting.format((Str) s, a.passed()));
    }

    private StringMethods() {
    }

    private static void add(String name, OfString body, String... parameters) {
        Builtin.add(TABLE, name, (self, arguments) -> body.apply((Str) self, arguments), parameters);
    }

    private static Str string(Bound a, String parameter) {
        a.required(parameter);
        return a.string(parameter).orElseThrow(() -> new JinjaException(parameter + " must be a string, not None"));
    }

    private static Str fill(Bound a) {
        return a.string("fillchar").orElse(Str.trusted(" "));
    }

    private static List<Value> strings(Bound a) {
        List<Value> items = Kinds.items(a.required("iterable"), a.meter());
        for (Value item : items) {
            if (!(item instanceof Str)) {
                throw new JinjaException("join() expects strings, but there is one of type " + Kinds.name(item));
            }
        }
        return items;
    }

    private static String swapped(String text) {
        StringBuilder out = new StringBuilder(text.length());
        text.codePoints().forEach(c -> out.append(Character.isUpperCase(c) ? Character.toString(c).toLowerCase(Locale.ROOT)
                : Character.toString(c).toUpperCase(Locale.ROOT)));
        return out.toString();
    }

    private static Value partition(Str s, Str separator, boolean last) {
        if (separator.isEmpty()) {
            throw new JinjaException("empty separator");
        }
        String text = s.text();
        int at = last ? text.lastIndexOf(separator.text()) : text.indexOf(separator.text());
        Str none = Str.trusted("");
        if (at < 0) {
            return last ? TupleValue.of(none, none, s) : TupleValue.of(s, none, none);
        }
        int end = at + separator.text().length();
        return TupleValue.of(s.part(0, at), s.part(at, end), s.part(end, text.length()));
    }

    /** The part that {@code start} and {@code end} leave. */
    private static Str within(Str s, Bound a) {
        return a.some("start").isEmpty() && a.some("end").isEmpty() ? s : (Str) Subscripts.slice(s, a.get("start").orElse(None.NONE),
                a.get("end").orElse(None.NONE), None.NONE, a.meter());
    }

    private static boolean begins(Str s, Bound a, boolean start) {
        Value prefix = a.required("prefix");
        String text = within(s, a).text();
        List<Value> choices = prefix instanceof TupleValue t ? t.items() : List.of(prefix);
        for (Value choice : choices) {
            if (!(choice instanceof Str c)) {
                throw new JinjaException((start ? "startswith" : "endswith") + " first arg must be str or a tuple of str, not "
                        + Kinds.name(choice));
            }
            if (start ? text.startsWith(c.text()) : text.endsWith(c.text())) {
                return true;
            }
        }
        return false;
    }

    private static int find(Str s, Bound a, boolean last) {
        Str in = within(s, a);
        String sought = string(a, "sub").text();
        int unit = last ? in.text().lastIndexOf(sought) : in.text().indexOf(sought);
        if (unit < 0) {
            return -1;
        }
        int start = a.whole("start", 0);
        int skipped = start < 0 ? Math.max(0, s.length() + start) : Math.min(start, s.length());
        return skipped + in.text().codePointCount(0, unit);
    }

    private static int found(int at) {
        if (at < 0) {
            throw new JinjaException("substring not found");
        }
        return at;
    }

    private static int count(Str in, String sought) {
        if (sought.isEmpty()) {
            return in.length() + 1;
        }
        int count = 0;
        for (int at = in.text().indexOf(sought); at >= 0; at = in.text().indexOf(sought, at + sought.length())) {
            count++;
        }
        return count;
    }

    private static Str filled(Str s, int width, Meter meter) {
        int sign = s.text().startsWith("-") || s.text().startsWith("+") ? 1 : 0;
        int missing = Math.max(0, width - s.length());
        meter.characters(missing);
        return new TextBuilder(meter).add(s, 0, sign).add("0".repeat(missing)).add(s, sign, s.text().length()).build();
    }

    private static Bool all(Str s, IntPredicate test) {
        return Bool.of(!s.isEmpty() && s.text().codePoints().allMatch(test));
    }

    private static boolean isNumeric(int c) {
        return switch (Character.getType(c)) {
            case Character.DECIMAL_DIGIT_NUMBER, Character.LETTER_NUMBER, Character.OTHER_NUMBER -> true;
            default -> false;
        };
    }

    /** Whether there are letters of one case, and none of the other. */
    static boolean isCase(Str s, boolean upper) {
        IntPredicate other = upper ? c -> Character.isLowerCase(c) || Character.isTitleCase(c)
                : c -> Character.isUpperCase(c) || Character.isTitleCase(c);
        IntPredicate right = upper ? Character::isUpperCase : Character::isLowerCase;
        return s.text().codePoints().anyMatch(right) && s.text().codePoints().noneMatch(other);
    }

    private static boolean isIdentifier(String text) {
        return !text.isEmpty() && Character.isUnicodeIdentifierStart(text.codePointAt(0)) | text.charAt(0) == '_'
                && text.codePoints().allMatch(c -> Character.isUnicodeIdentifierPart(c) && !Character.isIdentifierIgnorable(c));
    }
}
