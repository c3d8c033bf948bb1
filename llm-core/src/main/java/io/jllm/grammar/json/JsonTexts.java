package io.jllm.grammar.json;

import io.jllm.grammar.CodePoints;
import io.jllm.grammar.Expr;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * How JSON is written: the parts that all schemas share. White space is one space, which may stand after a comma or a colon, and nowhere else:
 * a model cannot lose itself in it.
 */
final class JsonTexts {
    static final String VALUE = "value";
    static final String STRING = "string";
    static final String CHARACTER = "character";
    static final String NUMBER = "number";
    static final String INTEGER = "integer";
    static final String OBJECT = "object";
    static final String ARRAY = "array";

    static final Expr QUOTE = Expr.text("\"");
    static final Expr COMMA = Expr.seq(Expr.text(","), Expr.optional(Expr.text(" ")));
    static final Expr COLON = Expr.seq(Expr.text(":"), Expr.optional(Expr.text(" ")));

    private static final String SHORT = "\"\\\b\f\n\r\t";
    private static final String SHORT_LETTERS = "\"\\bfnrt";
    /** Made once, for every schema needs them. */
    private static final Map<Notation, Map<String, Expr>> RULES = new ConcurrentHashMap<>();

    private final Notation notation;

    JsonTexts(Notation notation) {
        this.notation = notation;
    }

    /** The rules for all of JSON. */
    Map<String, Expr> rules() {
        return RULES.computeIfAbsent(notation, _ -> make());
    }

    private Map<String, Expr> make() {
        Map<String, Expr> rules = new LinkedHashMap<>();
        Expr value = new Expr.Ref(VALUE);
        Expr string = new Expr.Ref(STRING);
        Expr member = Expr.seq(string, COLON, value);
        rules.put(VALUE, Expr.choice(new Expr.Ref(OBJECT), new Expr.Ref(ARRAY), string, new Expr.Ref(NUMBER), truth(), nothing()));
        rules.put(OBJECT, Expr.seq(Expr.text("{"), Expr.optional(listed(member)), Expr.text("}")));
        rules.put(ARRAY, Expr.seq(Expr.text("["), Expr.optional(listed(value)), Expr.text("]")));
        rules.put(STRING, Expr.seq(QUOTE, Expr.many(new Expr.Ref(CHARACTER)), QUOTE));
        rules.put(CHARACTER, character());
        rules.put(INTEGER, NumberTexts.integers());
        rules.put(NUMBER, NumberTexts.numbers());
        return Collections.unmodifiableMap(rules);
    }

    Expr truth() {
        return Expr.choice(truth(true), truth(false));
    }

    Expr truth(boolean value) {
        return Expr.text(value ? notation.yes() : notation.no());
    }

    Expr nothing() {
        return Expr.text(notation.nothing());
    }

    private static Expr listed(Expr part) {
        return Expr.seq(part, Expr.many(Expr.seq(COMMA, part)));
    }

    /** One code point of a string, in any way that it may be written; halves of surrogate pairs come in pairs. */
    private Expr character() {
        Expr hex = new Expr.Chars(CodePoints.ofRanges('0', '9', 'a', 'f', 'A', 'F'));
        Expr pair = Expr.seq(set("dD"), set("89abAB"), hex, hex, Expr.text("\\u"), set("dD"),
                new Expr.Chars(CodePoints.ofRanges('c', 'f', 'C', 'F')), hex, hex);
        Expr other = Expr.choice(
                Expr.seq(new Expr.Chars(CodePoints.ofRanges('0', '9', 'a', 'c', 'e', 'f', 'A', 'C', 'E', 'F')), hex, hex, hex),
                Expr.seq(set("dD"), new Expr.Chars(CodePoints.range('0', '7')), hex, hex));
        return Expr.choice(new Expr.Chars(notation.plain()), Expr.seq(Expr.text("\\"),
                Expr.choice(set(notation.escapes()), Expr.seq(Expr.text("u"), notation.pairs() ? Expr.choice(pair, other) : other))));
    }

    private static Expr set(String characters) {
        return new Expr.Chars(CodePoints.anyOf(characters));
    }

    /** Characters of a set in a string, each in one way: as itself where it may, or else by its shortest escape. */
    Expr characters(CodePoints set) {
        var options = new java.util.ArrayList<Expr>();
        CodePoints plain = set.intersect(notation.plain());
        if (!plain.isEmpty()) {
            options.add(new Expr.Chars(plain));
        }
        CodePoints escaped = set.minus(notation.plain());
        for (int r = 0; r < escaped.ranges(); r++) {
            for (int c = escaped.first(r); c <= escaped.last(r); c++) {
                options.add(Expr.text(escape(c)));
            }
        }
        return options.size() == 1 ? options.getFirst() : new Expr.Choice(options);
    }

    private static String escape(int c) {
        int at = SHORT.indexOf(c);
        return at >= 0 ? "\\" + SHORT_LETTERS.charAt(at) : String.format("\\u%04x", c);
    }

    /** A string as it is written. */
    String quoted(String text) {
        var out = new StringBuilder("\"");
        text.codePoints().forEach(c -> {
            if (notation.plain().contains(c)) {
                out.appendCodePoint(c);
            } else {
                out.append(escape(c));
            }
        });
        return out.append('"').toString();
    }
}
