package io.jllm.jinja.syntax;

import io.jllm.jinja.syntax.Token.Kind;
import io.jllm.jinja.value.JinjaException;
import io.jllm.jinja.value.Str;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * Cuts a template into tokens, with {@code trim_blocks} and {@code lstrip_blocks} set, as Hugging Face has it: the line break after a block goes,
 * and so do blanks before one that stands first in its line. Source: the manual of Jinja 3.1, "Whitespace Control".
 */
final class Lexer {
    /** Longest first. */
    private static final List<String> OPERATORS = List.of("//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{",
            "}", ">", "<", "=", ".", ":", "|", ",", ";");

    private final String source;
    private final List<Token> tokens = new ArrayList<>();
    private int at;
    private int line = 1;
    /** Up to where the lines are counted. */
    private int counted;

    private Lexer(String source) {
        this.source = source;
    }

    /** @throws JinjaException at the first character that cannot stand where it does */
    static List<Token> tokens(String template) {
        String lines = template.replace("\r\n", "\n").replace('\r', '\n');
        Lexer lexer = new Lexer(lines.endsWith("\n") ? lines.substring(0, lines.length() - 1) : lines);
        lexer.run();
        return lexer.tokens;
    }

    private void run() {
        while (at < source.length()) {
            int tag = source.indexOf('{', at);
            while (tag >= 0 && (tag + 1 == source.length() || "{%#".indexOf(source.charAt(tag + 1)) < 0)) {
                tag = source.indexOf('{', tag + 1);
            }
            if (tag < 0) {
                data(at, source.length());
                at = source.length();
                break;
            }
            data(at, withoutBlanks(at, tag, tag));
            begin(tag);
        }
        add(Kind.END, "");
    }

    private void begin(int tag) {
        char kind = source.charAt(tag + 1);
        at = tag + 2;
        if (at < source.length() && (source.charAt(at) == '-' || source.charAt(at) == '+')) {
            at++;
        }
        switch (kind) {
            case '{' -> inside(Kind.VARIABLE_BEGIN, Kind.VARIABLE_END, "}}");
            case '%' -> {
                int raw = closed(at, "raw");
                if (raw >= 0) {
                    raw(raw);
                } else {
                    inside(Kind.BLOCK_BEGIN, Kind.BLOCK_END, "%}");
                }
            }
            default -> comment();
        }
    }

    /**
     * Where text before a tag ends, with what the tag takes away left out.
     *
     * @param tag where the tag begins
     */
    private int withoutBlanks(int from, int to, int tag) {
        char sign = tag + 2 < source.length() ? source.charAt(tag + 2) : ' ';
        int end = to;
        if (sign == '-') {
            while (end > from && Str.isSpace(source.charAt(end - 1))) {
                end--;
            }
        } else if (sign != '+' && source.charAt(tag + 1) != '{') {
            while (end > from && source.charAt(end - 1) != '\n' && Str.isSpace(source.charAt(end - 1))) {
                end--;
            }
            boolean startsLine = end == 0 || source.charAt(end - 1) == '\n';
            return startsLine ? end : to;
        }
        return end;
    }

    private void data(int from, int to) {
        if (to > from) {
            at = from;
            add(Kind.DATA, source.substring(from, to));
        }
    }

    private void comment() {
        int end = source.indexOf("#}", at);
        if (end < 0) {
            throw error("a comment has no end: '#}' is missing");
        }
        char sign = end > at ? source.charAt(end - 1) : ' ';
        at = end + 2;
        afterTag(sign, true);
    }

    /** Goes past what a tag takes away after it. */
    private void afterTag(char sign, boolean trims) {
        if (sign == '-') {
            at = pastSpaces(at);
        } else if (sign != '+' && trims && at < source.length() && source.charAt(at) == '\n') {
            at++;
        }
    }

    private int pastSpaces(int from) {
        int place = from;
        while (place < source.length() && Str.isSpace(source.charAt(place))) {
            place++;
        }
        return place;
    }

    /** Where the end of a block begins that holds this word alone, -1 if it does not. */
    private int closed(int from, String word) {
        int start = pastSpaces(from);
        if (!source.startsWith(word, start)) {
            return -1;
        }
        int end = pastSpaces(start + word.length());
        return source.startsWith("%}", end) || source.startsWith("-%}", end) || word.startsWith("end") && source.startsWith("+%}", end) ? end : -1;
    }

    private void raw(int close) {
        boolean strips = source.charAt(close) == '-';
        at = close + (strips ? 3 : 2);
        int from = at;
        for (int tag = source.indexOf("{%", from); tag >= 0; tag = source.indexOf("{%", tag + 1)) {
            char sign = tag + 2 < source.length() ? source.charAt(tag + 2) : ' ';
            int end = closed(tag + (sign == '-' || sign == '+' ? 3 : 2), "endraw");
            if (end >= 0) {
                if (strips) {
                    from = Math.min(pastSpaces(from), tag);
                }
                data(from, withoutBlanks(from, tag, tag));
                char last = source.charAt(end);
                at = end + (last == '%' ? 2 : 3);
                afterTag(last, true);
                return;
            }
        }
        throw error("a raw block has no end: '{% endraw %}' is missing");
    }

    /** What stands between the signs of a variable or block. */
    private void inside(Kind begin, Kind end, String close) {
        add(begin, "");
        Deque<Character> open = new ArrayDeque<>();
        while (at < source.length()) {
            char c = source.charAt(at);
            if (open.isEmpty() && closes(c, begin, close)) {
                char sign = c == close.charAt(0) ? ' ' : c;
                add(end, "");
                at += sign == ' ' ? 2 : 3;
                afterTag(sign, begin == Kind.BLOCK_BEGIN);
                return;
            }
            if (Str.isSpace(c)) {
                at++;
            } else if (c >= '0' && c <= '9') {
                number();
            } else if (isNamePart(source.codePointAt(at))) {
                name();
            } else if (c == '\'' || c == '"') {
                string(c);
            } else {
                operator(open);
            }
        }
        throw error(close.equals("}}") ? "'{{' has no end: '}}' is missing" : "'{%' has no end: '%}' is missing");
    }

    private boolean closes(char c, Kind begin, String close) {
        return source.startsWith(close, at) || (c == '-' || c == '+' && begin == Kind.BLOCK_BEGIN) && source.startsWith(close, at + 1);
    }

    private static boolean isNamePart(int c) {
        return c == '_' || Character.isLetterOrDigit(c);
    }

    private void name() {
        int end = at;
        while (end < source.length() && isNamePart(source.codePointAt(end))) {
            end += Character.charCount(source.codePointAt(end));
        }
        add(Kind.NAME, source.substring(at, end));
        at = end;
    }

    private void number() {
        int end = NumberLiteral.floatEnd(source, at);
        if (end > at && (at == 0 || source.charAt(at - 1) != '.')) {
            add(Kind.FLOAT, source.substring(at, end));
        } else {
            end = NumberLiteral.integerEnd(source, at);
            add(Kind.INTEGER, source.substring(at, end));
        }
        at = end;
    }

    private void string(char quote) {
        int end = at + 1;
        while (end < source.length() && source.charAt(end) != quote) {
            end += source.charAt(end) == '\\' ? 2 : 1;
        }
        if (end >= source.length()) {
            throw error("a string has no end: " + quote + " is missing");
        }
        try {
            add(Kind.STRING, StringLiteral.meant(source.substring(at + 1, end)));
        } catch (JinjaException e) {
            throw e.at(line);
        }
        at = end + 1;
    }

    private void operator(Deque<Character> open) {
        for (String sign : OPERATORS) {
            if (source.startsWith(sign, at)) {
                balance(sign.charAt(0), open);
                add(Kind.OPERATOR, sign);
                at += sign.length();
                return;
            }
        }
        throw error("unexpected character '" + Character.toString(source.codePointAt(at)) + "'");
    }

    private void balance(char sign, Deque<Character> open) {
        switch (sign) {
            case '(' -> open.push(')');
            case '[' -> open.push(']');
            case '{' -> open.push('}');
            case ')', ']', '}' -> {
                if (open.isEmpty()) {
                    throw error("unexpected '" + sign + "'");
                }
                char expected = open.pop();
                if (expected != sign) {
                    throw error("unexpected '" + sign + "', expected '" + expected + "'");
                }
            }
            default -> { }
        }
    }

    private void add(Kind kind, String text) {
        tokens.add(new Token(kind, text, line()));
    }

    private int line() {
        for (; counted < at; counted++) {
            if (source.charAt(counted) == '\n') {
                line++;
            }
        }
        return line;
    }

    private JinjaException error(String message) {
        return new JinjaException(message, line());
    }
}
