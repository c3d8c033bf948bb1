package io.jllm.grammar.gbnf;

import io.jllm.grammar.CodePoints;
import io.jllm.grammar.Expr;
import io.jllm.grammar.Grammar;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads grammars as llama.cpp writes them (GBNF, its {@code grammars/README.md}): rules of literals, classes of characters, groups,
 * alternatives and repetitions; {@code root} is the whole text. Rules may begin with themselves, which llama.cpp refuses. Special tokens are
 * written by their ids, {@code <[1000]>}.
 */
public final class GbnfParser {
    private static final int MAX_DEPTH = 150;
    private static final int MAX_COUNT = 1_000_000;

    private final String text;
    private final Map<String, Expr> rules = new LinkedHashMap<>();
    private int at;
    private int depth;

    private GbnfParser(String text) {
        this.text = text;
    }

    /** @throws IllegalArgumentException if it is no grammar; the message says what is wrong, and in which line */
    public static Grammar parse(String text) {
        return new GbnfParser(text).grammar();
    }

    private IllegalArgumentException wrong(String what) {
        int line = 1 + (int) text.substring(0, Math.min(at, text.length())).chars().filter(c -> c == '\n').count();
        int column = Math.min(at, text.length()) - text.lastIndexOf('\n', Math.min(at, text.length()) - 1);
        return new IllegalArgumentException("grammar, line " + line + ", column " + column + ": " + what);
    }

    private Grammar grammar() {
        space(true);
        while (at < text.length()) {
            rule();
            space(true);
        }
        if (!rules.containsKey("root")) {
            throw wrong("no rule is named root, which is the whole text");
        }
        return new Grammar(rules, "root");
    }

    private void rule() {
        String name = name();
        space(false);
        if (!take("::=")) {
            throw wrong("expected ::= after the name " + name);
        }
        space(true);
        Expr body = alternatives(false);
        if (at < text.length() && text.charAt(at) != '\n' && text.charAt(at) != '\r') {
            throw wrong("unexpected \"" + text.charAt(at) + "\" in rule " + name);
        }
        if (rules.put(name, body) != null) {
            throw wrong("rule " + name + " is there twice");
        }
    }

    private boolean take(String what) {
        if (text.startsWith(what, at)) {
            at += what.length();
            return true;
        }
        return false;
    }

    private char peek() {
        return at < text.length() ? text.charAt(at) : '\0';
    }

    /** Passes spaces and comments, and the ends of lines where these mean nothing. */
    private void space(boolean lines) {
        while (at < text.length()) {
            char c = text.charAt(at);
            if (c == '#') {
                while (at < text.length() && text.charAt(at) != '\n' && text.charAt(at) != '\r') {
                    at++;
                }
            } else if (c == ' ' || c == '\t' || lines && (c == '\n' || c == '\r')) {
                at++;
            } else {
                return;
            }
        }
    }

    private static boolean inName(char c) {
        return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_';
    }

    private String name() {
        int begin = at;
        while (inName(peek())) {
            at++;
        }
        if (begin == at) {
            throw wrong("expected the name of a rule: letters, digits, - and _");
        }
        return text.substring(begin, at);
    }

    private Expr alternatives(boolean nested) {
        if (++depth > MAX_DEPTH) {
            throw wrong("groups deeper than " + MAX_DEPTH);
        }
        List<Expr> options = new ArrayList<>();
        options.add(sequence(nested));
        while (take("|")) {
            space(true);
            options.add(sequence(nested));
        }
        depth--;
        return options.size() == 1 ? options.getFirst() : new Expr.Choice(options);
    }

    private Expr sequence(boolean nested) {
        List<Expr> parts = new ArrayList<>();
        for (Expr item = item(nested); item != null; item = item(nested)) {
            parts.add(repeated(item, nested));
        }
        return parts.size() == 1 ? parts.getFirst() : new Expr.Seq(parts);
    }

    /** Null at the end of a sequence. */
    private Expr item(boolean nested) {
        char c = peek();
        Expr item = switch (c) {
            case '"' -> literal();
            case '[' -> characters();
            case '<' -> token();
            case '!' -> throw wrong("\"!\" before a token is not supported; say by characters what may stand there");
            case '.' -> {
                at++;
                yield new Expr.Chars(CodePoints.ALL);
            }
            case '(' -> {
                at++;
                space(true);
                Expr inner = alternatives(true);
                if (!take(")")) {
                    throw wrong("expected ) at the end of a group");
                }
                yield inner;
            }
            case '*', '+', '?', '{' -> throw wrong("nothing before \"" + c + "\" that can be repeated");
            default -> inName(c) ? new Expr.Ref(name()) : null;
        };
        if (item != null) {
            space(nested);
        }
        return item;
    }

    private Expr repeated(Expr item, boolean nested) {
        Expr all = item;
        while (true) {
            if (take("*")) {
                all = Expr.many(all);
            } else if (take("+")) {
                all = new Expr.Repeat(all, 1, Expr.Repeat.UNLIMITED);
            } else if (take("?")) {
                all = Expr.optional(all);
            } else if (take("{")) {
                all = counted(all);
            } else {
                return all;
            }
            space(nested);
        }
    }

    private Expr counted(Expr item) {
        space(false);
        int least = count();
        space(false);
        int most = least;
        if (take(",")) {
            space(false);
            most = peek() == '}' ? Expr.Repeat.UNLIMITED : count();
            space(false);
        }
        if (!take("}")) {
            throw wrong("expected } at the end of a repetition");
        }
        if (most < least) {
            throw wrong("repetition {" + least + "," + most + "} out of order");
        }
        return new Expr.Repeat(item, least, most);
    }

    private int count() {
        int begin = at;
        while (peek() >= '0' && peek() <= '9') {
            at++;
        }
        if (begin == at || at - begin > 7 || Integer.parseInt(text.substring(begin, at)) > MAX_COUNT) {
            throw wrong("expected a count of repetitions, at most " + MAX_COUNT);
        }
        return Integer.parseInt(text.substring(begin, at));
    }

    private Expr literal() {
        at++;
        StringBuilder out = new StringBuilder();
        while (!take("\"")) {
            out.appendCodePoint(character("literal"));
        }
        return Expr.text(out.toString());
    }

    private Expr characters() {
        at++;
        boolean negated = take("^");
        CodePoints set = CodePoints.NONE;
        while (!take("]")) {
            int first = character("class of characters");
            int last = first;
            if (peek() == '-' && !text.startsWith("-]", at)) {
                at++;
                last = character("class of characters");
            }
            if (last < first) {
                throw wrong("range of characters out of order");
            }
            set = set.union(CodePoints.range(first, last));
        }
        return new Expr.Chars(negated ? set.complement() : set);
    }

    private int character(String where) {
        if (at >= text.length()) {
            throw wrong(where + " without end");
        }
        int c = text.codePointAt(at);
        at += Character.charCount(c);
        if (c != '\\') {
            return checked(c);
        }
        char escape = peek();
        at++;
        return switch (escape) {
            case 'x' -> hex(2);
            case 'u' -> hex(4);
            case 'U' -> hex(8);
            case 't' -> '\t';
            case 'r' -> '\r';
            case 'n' -> '\n';
            case '\\', '"', '[', ']', '-', '^' -> escape;
            default -> throw wrong("escape \\" + escape + " is not known: \\\" \\\\ \\[ \\] \\n \\r \\t \\xNN \\uNNNN \\UNNNNNNNN are");
        };
    }

    private int hex(int digits) {
        int end = at + digits;
        if (end > text.length() || !text.substring(at, end).matches("[0-9a-fA-F]+")) {
            throw wrong("escape without its " + digits + " hexadecimal digits");
        }
        long value = Long.parseLong(text.substring(at, end), 16);
        at = end;
        return checked(value);
    }

    private int checked(long c) {
        if (c > Character.MAX_CODE_POINT || c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE) {
            throw wrong("U+" + Long.toHexString(c) + " is no character");
        }
        return (int) c;
    }

    private Expr token() {
        at++;
        if (!take("[")) {
            throw wrong("a token by its text is not supported; write its id, as <[1000]>");
        }
        int id = count();
        if (!take("]>")) {
            throw wrong("expected ]> after the id of a token");
        }
        return new Expr.Token(id);
    }
}
