package io.jllm.grammar.regex;

import io.jllm.grammar.CodePoints;
import io.jllm.grammar.Expr;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads regular expressions as ECMA-262 writes them with its flag {@code u}, in the part that is regular: characters, classes, groups,
 * alternatives, repetitions, begin and end of the text. Lazy repetitions are as others, for the language is the same.
 */
final class RegexParser {
    private static final int MAX_DEPTH = 200;
    private static final int MAX_COUNT = 1_000_000;

    private final String pattern;
    private int at;
    private int depth;

    RegexParser(String pattern) {
        this.pattern = pattern;
    }

    Regex parse() {
        Regex all = alternatives();
        if (at < pattern.length()) {
            throw wrong("\")\" without a group");
        }
        return all;
    }

    private IllegalArgumentException wrong(String what) {
        return new IllegalArgumentException("regular expression: " + what + " at character " + at + " of \"" + pattern + "\"");
    }

    private boolean more() {
        return at < pattern.length();
    }

    private boolean take(String text) {
        if (pattern.startsWith(text, at)) {
            at += text.length();
            return true;
        }
        return false;
    }

    private Regex alternatives() {
        if (++depth > MAX_DEPTH) {
            throw wrong("groups deeper than " + MAX_DEPTH);
        }
        List<Regex> options = new ArrayList<>();
        do {
            options.add(sequence());
        } while (take("|"));
        depth--;
        return options.size() == 1 ? options.getFirst() : new Regex.Choice(options);
    }

    private Regex sequence() {
        List<Regex> parts = new ArrayList<>();
        while (more() && pattern.charAt(at) != '|' && pattern.charAt(at) != ')') {
            parts.add(repeated());
        }
        return parts.size() == 1 ? parts.getFirst() : new Regex.Seq(parts);
    }

    private Regex repeated() {
        Regex part = atom();
        int least;
        int most;
        if (take("*")) {
            least = 0;
            most = Expr.Repeat.UNLIMITED;
        } else if (take("+")) {
            least = 1;
            most = Expr.Repeat.UNLIMITED;
        } else if (take("?")) {
            least = 0;
            most = 1;
        } else if (take("{")) {
            least = count();
            most = !take(",") ? least : more() && pattern.charAt(at) == '}' ? Expr.Repeat.UNLIMITED : count();
            if (!take("}")) {
                throw wrong("repetition that is not {n}, {n,} or {n,m}");
            }
            if (most < least) {
                throw wrong("repetition {" + least + "," + most + "} out of order");
            }
        } else {
            return part;
        }
        if (part instanceof Regex.Begin || part instanceof Regex.End) {
            throw wrong("repetition of ^ or $");
        }
        take("?");
        if (more() && "*+?{".indexOf(pattern.charAt(at)) >= 0) {
            throw wrong("repetition of a repetition (possessive ones are not supported)");
        }
        return new Regex.Repeat(part, least, most);
    }

    private int count() {
        int begin = at;
        while (more() && Character.digit(pattern.charAt(at), 10) >= 0 && pattern.charAt(at) <= '9') {
            at++;
        }
        if (begin == at || at - begin > 7 || Integer.parseInt(pattern.substring(begin, at)) > MAX_COUNT) {
            throw wrong("count of a repetition that is not a number up to " + MAX_COUNT);
        }
        return Integer.parseInt(pattern.substring(begin, at));
    }

    private Regex atom() {
        int c = next();
        return switch (c) {
            case '(' -> group();
            case '[' -> new Regex.Chars(characterClass());
            case '.' -> new Regex.Chars(CharacterClasses.DOT);
            case '^' -> new Regex.Begin();
            case '$' -> new Regex.End();
            case '\\' -> new Regex.Chars(escape(false));
            case '*', '+', '?' -> throw wrong("repetition of nothing");
            default -> new Regex.Chars(CodePoints.of(c));
        };
    }

    private int next() {
        if (!more()) {
            throw wrong("unexpected end");
        }
        int c = pattern.codePointAt(at);
        at += Character.charCount(c);
        if (c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE) {
            throw wrong("half of a surrogate pair");
        }
        return c;
    }

    private Regex group() {
        if (take("?")) {
            if (take("=") || take("!") || take("<=") || take("<!")) {
                throw wrong("lookahead and lookbehind are not supported");
            }
            if (take("<")) {
                int end = pattern.indexOf('>', at);
                if (end < 0) {
                    throw wrong("name of a group without end");
                }
                at = end + 1;
            } else if (!take(":")) {
                throw wrong("only (...), (?:...) and (?<name>...) are supported, no flags and no atomic groups: this one is not");
            }
        }
        Regex inner = alternatives();
        if (!take(")")) {
            throw wrong("group without end");
        }
        return inner;
    }

    private CodePoints characterClass() {
        boolean negated = take("^");
        CodePoints set = CodePoints.NONE;
        while (!take("]")) {
            if (take("[:") || pattern.startsWith("&&", at)) {
                throw wrong("POSIX classes and intersections of classes are not supported");
            }
            boolean escaped = pattern.startsWith("\\", at);
            CodePoints first = member();
            boolean range = pattern.startsWith("-", at) && !pattern.startsWith("-]", at);
            if (range) {
                at++;
                boolean lastEscaped = pattern.startsWith("\\", at);
                CodePoints last = member();
                if (single(first, escaped) < 0 || single(last, lastEscaped) < 0) {
                    throw wrong("range of characters with a class at one end");
                }
                if (first.first(0) > last.first(0)) {
                    throw wrong("range of characters out of order");
                }
                first = CodePoints.range(first.first(0), last.first(0));
            }
            set = set.union(first);
        }
        return negated ? set.complement() : set;
    }

    private static int single(CodePoints set, boolean escaped) {
        return set.ranges() == 1 && set.first(0) == set.last(0) ? set.first(0) : -1;
    }

    private CodePoints member() {
        int c = next();
        return c == '\\' ? escape(true) : CodePoints.of(c);
    }

    private CodePoints escape(boolean inClass) {
        int c = next();
        return switch (c) {
            case 'd' -> CharacterClasses.DIGIT;
            case 'D' -> CharacterClasses.DIGIT.complement();
            case 'w' -> CharacterClasses.WORD;
            case 'W' -> CharacterClasses.WORD.complement();
            case 's' -> CharacterClasses.SPACE;
            case 'S' -> CharacterClasses.SPACE.complement();
            case 'n' -> CodePoints.of('\n');
            case 'r' -> CodePoints.of('\r');
            case 't' -> CodePoints.of('\t');
            case 'f' -> CodePoints.of('\f');
            case 'v' -> CodePoints.of(0x0B);
            case '0' -> CodePoints.of(0);
            case 'x' -> CodePoints.of(hex(2));
            case 'u' -> CodePoints.of(unicode());
            case 'c' -> CodePoints.of(next() & 0x1F);
            case 'p' -> CharacterClasses.property(property());
            case 'P' -> CharacterClasses.property(property()).complement();
            case 'b', 'B' -> {
                if (inClass && c == 'b') {
                    yield CodePoints.of('\b');
                }
                throw wrong("word boundaries are not supported");
            }
            case '1', '2', '3', '4', '5', '6', '7', '8', '9', 'k' -> throw wrong("back references are not supported");
            default -> {
                if (Character.isLetterOrDigit(c)) {
                    throw wrong("escape \\" + Character.toString(c) + " is not supported");
                }
                yield CodePoints.of(c);
            }
        };
    }

    private int hex(int digits) {
        int end = at + digits;
        if (end > pattern.length() || !pattern.substring(at, end).matches("[0-9a-fA-F]+")) {
            throw wrong("escape without its " + digits + " hexadecimal digits");
        }
        int value = Integer.parseInt(pattern.substring(at, end), 16);
        at = end;
        return value;
    }

    private int unicode() {
        int value;
        if (take("{")) {
            int end = pattern.indexOf('}', at);
            if (end <= at || end - at > 6) {
                throw wrong("escape \\u{...} without 1 to 6 hexadecimal digits");
            }
            value = hex(end - at);
            at++;
        } else {
            value = hex(4);
            if (Character.isHighSurrogate((char) value) && take("\\u")) {
                int low = hex(4);
                value = Character.isLowSurrogate((char) low) ? Character.toCodePoint((char) value, (char) low) : -1;
            }
        }
        if (value < 0 || value > Character.MAX_CODE_POINT || value >= Character.MIN_SURROGATE && value <= Character.MAX_SURROGATE) {
            throw wrong("escape of what is no code point");
        }
        return value;
    }

    private String property() {
        int end = pattern.indexOf('}', at);
        if (!take("{") || end < 0) {
            throw wrong("\\p without {property}");
        }
        String name = pattern.substring(at, end);
        at = end + 1;
        return name;
    }
}
