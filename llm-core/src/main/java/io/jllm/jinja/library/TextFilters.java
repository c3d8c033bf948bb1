package io.jllm.jinja.library;

import io.jllm.jinja.json.JsonWriter;
import io.jllm.jinja.value.Dict;
import io.jllm.jinja.value.Int;
import io.jllm.jinja.value.JinjaException;
import io.jllm.jinja.value.Kinds;
import io.jllm.jinja.value.Numbers;
import io.jllm.jinja.value.Percent;
import io.jllm.jinja.value.Printing;
import io.jllm.jinja.value.Str;
import io.jllm.jinja.value.TextBuilder;
import io.jllm.jinja.value.TupleValue;
import io.jllm.jinja.value.Undefined;
import io.jllm.jinja.value.Value;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Filters that give text. Most take a value of any kind by its text. */
final class TextFilters {
    private static final int INDENT = 4;
    private static final int MAX_INDENT = 1000;
    private static final int LEEWAY = 5;

    private TextFilters() {
    }

    /** A filter of a text. */
    @FunctionalInterface
    private interface OfText {
        Value apply(Str text, Bound arguments);
    }

    private static void add(Map<String, Builtin> table, String name, OfText body, String... parameters) {
        Builtin.add(table, name, (value, a) -> body.apply(Printing.text(value, a.meter()), a), parameters);
    }

    static void addTo(Map<String, Builtin> table) {
        add(table, "string", (s, _) -> s);
        add(table, "safe", (s, _) -> s);
        add(table, "upper", (s, a) -> Texts.upper(s, a.meter()));
        add(table, "lower", (s, a) -> Texts.lower(s, a.meter()));
        add(table, "capitalize", (s, a) -> Texts.capitalize(s, a.meter()));
        add(table, "title", (s, a) -> Texts.titleOfWords(s, a.meter()));
        add(table, "trim", (s, a) -> Texts.strip(s, a.string("chars"), true, true), "chars");
        add(table, "replace", (s, a) -> Texts.replace(s, Printing.text(a.required("old"), a.meter()), Printing.text(a.required("new"), a.meter()),
                a.whole("count", -1), a.meter()), "old", "new", "count");
        add(table, "center", (s, a) -> Texts.padded(s, a.whole("width", 80), Str.trusted(" "), true, true, a.meter()), "width");
        add(table, "wordcount", (s, _) -> new Int(words(s.text())));
        for (String name : List.of("e", "escape", "forceescape")) {
            add(table, name, TextFilters::escape);
        }
        Builtin.add(table, "indent", TextFilters::indent, "width", "first", "blank");
        Builtin.add(table, "truncate", TextFilters::truncate, "length", "killwords", "end", "leeway");
        Builtin.add(table, "urlencode", TextFilters::urlEncode);
        Builtin.add(table, "tojson", TextFilters::toJson, "ensure_ascii", "indent", "separators", "sort_keys");
        Builtin.addOfAll(table, "format", TextFilters::format);
    }

    private static int words(String text) {
        int words = 0;
        boolean inWord = false;
        for (int c : text.codePoints().toArray()) {
            boolean part = Character.isLetterOrDigit(c) || c == '_';
            words += part && !inWord ? 1 : 0;
            inWord = part;
        }
        return words;
    }

    private static Value escape(Str s, Bound a) {
        String text = s.text();
        TextBuilder out = new TextBuilder(a.meter());
        int plain = 0;
        for (int i = 0; i < text.length(); i++) {
            String escaped = switch (text.charAt(i)) {
                case '&' -> "&amp;";
                case '<' -> "&lt;";
                case '>' -> "&gt;";
                case '\'' -> "&#39;";
                case '"' -> "&#34;";
                default -> "";
            };
            if (!escaped.isEmpty()) {
                out.add(s, plain, i).add(escaped, false);
                plain = i + 1;
            }
        }
        return out.add(s, plain, text.length()).build();
    }

    private static Value indent(Value value, Bound a) {
        if (value instanceof Undefined u) {
            throw u.error();
        }
        if (!(value instanceof Str s)) {
            throw new JinjaException("indent needs a string, not one of type " + Kinds.name(value));
        }
        Str indent = a.some("width").filter(Str.class::isInstance).map(Str.class::cast)
                .orElseGet(() -> Str.trusted(" ".repeat(Math.clamp(a.whole("width", INDENT), 0, MAX_INDENT))));
        List<Value> lines = Texts.lines(new TextBuilder(a.meter()).add(s).add("\n").build(), false, a.meter());
        TextBuilder out = new TextBuilder(a.meter());
        out.add(a.flag("first") ? indent : Str.trusted(""));
        for (int i = 0; i < lines.size(); i++) {
            Str line = (Str) lines.get(i);
            if (i > 0) {
                out.add("\n", s.isTrusted()).add(a.flag("blank") || !line.isEmpty() ? indent : Str.trusted(""));
            }
            out.add(line);
        }
        return out.build();
    }

    private static Value truncate(Value value, Bound a) {
        int length = a.whole("length", 255);
        Str end = a.string("end").orElse(Str.trusted("..."));
        int leeway = a.whole("leeway", LEEWAY);
        if (length < end.length() || leeway < 0) {
            throw new JinjaException("truncate: the length " + length + " must be at least " + end.length() + ", and the leeway "
                    + leeway + " not negative");
        }
        if (Kinds.length(value) <= (long) length + leeway) {
            return value;
        }
        if (!(value instanceof Str s)) {
            throw new JinjaException("truncate needs a string, not one of type " + Kinds.name(value));
        }
        Str kept = s.slice(0, length - end.length());
        int space = kept.text().lastIndexOf(' ');
        return new TextBuilder(a.meter()).add(kept, 0, a.flag("killwords") || space < 0 ? kept.text().length() : space).add(end).build();
    }

    private static Value urlEncode(Value value, Bound a) {
        if (value instanceof Str s) {
            return s.mapped(text -> quoted(text, "/"), a.meter());
        }
        if (!Kinds.isIterable(value)) {
            return Printing.text(value, a.meter()).mapped(text -> quoted(text, "/"), a.meter());
        }
        List<Value> parts = new ArrayList<>();
        for (Value pair : value instanceof Dict d ? d.items() : Kinds.items(value, a.meter())) {
            if (!(pair instanceof TupleValue t) || t.items().size() != 2) {
                throw new JinjaException("urlencode needs a string, a mapping or pairs");
            }
            parts.add(Texts.join(Str.trusted("="), t.items().stream()
                    .map(v -> (Value) Printing.text(v, a.meter()).mapped(text -> quoted(text, ""), a.meter())).toList(), a.meter()));
        }
        return Texts.join(Str.trusted("&"), parts, a.meter());
    }

    /** Percent-encoded but for letters, digits, {@code _.-~}, and these. */
    private static String quoted(String text, String safe) {
        String encoded = URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", safe.isEmpty() ? "+" : "%20").replace("*", "%2A")
                .replace("%7E", "~");
        return safe.isEmpty() ? encoded : encoded.replace("%2F", "/");
    }

    private static Value toJson(Value value, Bound a) {
        Optional<String> indent = a.some("indent").map(v -> v instanceof Str s ? s.text()
                : " ".repeat(Math.clamp(Numbers.whole(v).orElseThrow(() -> new JinjaException("tojson: indent must be a number or a string, not "
                + Kinds.name(v))), 0, MAX_INDENT)));
        String comma = indent.isPresent() ? "," : ", ";
        String colon = ": ";
        if (a.some("separators").isPresent()) {
            List<Value> pair = Kinds.items(a.required("separators"), a.meter());
            if (pair.size() != 2 || !(pair.get(0) instanceof Str first) || !(pair.get(1) instanceof Str second)) {
                throw new JinjaException("tojson: separators must be two strings");
            }
            comma = first.text();
            colon = second.text();
        }
        return JsonWriter.write(value, new JsonWriter.Style(a.flag("ensure_ascii"), indent, comma, colon, a.flag("sort_keys")), a.meter());
    }

    private static Value format(Value value, Bound a) {
        Str format = Printing.text(value, a.meter());
        if (!a.passed().positional().isEmpty() && !a.passed().named().isEmpty()) {
            throw new JinjaException("format takes positional arguments or named ones, not both");
        }
        Value values = a.passed().named().isEmpty() ? new TupleValue(a.passed().positional()) : Dict.of(a.passed().named());
        return Percent.format(format, values, a.meter());
    }
}
