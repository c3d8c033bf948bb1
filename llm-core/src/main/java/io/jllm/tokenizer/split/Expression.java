package io.jllm.tokenizer.split;

import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * A regular expression as tokenizers write them: the syntax of Oniguruma, which is Ruby's, with Unicode's meaning of {@code \s}, {@code \w}
 * and {@code \d}. The JDK's expressions mean the same but for the few things that are translated here.
 */
public final class Expression implements Finder {
    /** Ruby's {@code ^} and {@code $} are ends of lines, which only U+000A ends. */
    private static final int FLAGS = Pattern.UNICODE_CHARACTER_CLASS | Pattern.UNICODE_CASE | Pattern.MULTILINE | Pattern.UNIX_LINES;

    /** Classes in brackets ({@code [[:alpha:]]}) and what they are to the JDK. */
    private static final Map<String, String> POSIX = Map.ofEntries(Map.entry("alnum", "\\p{Alnum}"), Map.entry("alpha", "\\p{Alpha}"),
            Map.entry("blank", "\\p{Blank}"), Map.entry("cntrl", "\\p{Cntrl}"), Map.entry("digit", "\\p{Digit}"),
            Map.entry("graph", "\\p{Graph}"), Map.entry("lower", "\\p{Lower}"), Map.entry("print", "\\p{Print}"),
            Map.entry("punct", "\\p{Punct}"), Map.entry("space", "\\p{Space}"), Map.entry("upper", "\\p{Upper}"),
            Map.entry("xdigit", "[0-9A-Fa-f]"), Map.entry("word", "\\w"));

    private final String source;
    private final Pattern pattern;

    private Expression(String source, Pattern pattern) {
        this.source = source;
        this.pattern = pattern;
    }

    /**
     * Reads one.
     *
     * @throws IllegalArgumentException if it is none, or holds what cannot be translated; the message says what
     */
    public static Expression of(String source) {
        try {
            return new Expression(source, Pattern.compile(new Translation(source).translate(), FLAGS));
        } catch (PatternSyntaxException e) {
            throw new IllegalArgumentException("the regular expression " + source + " cannot be read: " + e.getDescription(), e);
        } catch (StackOverflowError e) {
            throw new IllegalArgumentException("a regular expression of " + source.length() + " characters is nested too deeply", e);
        }
    }

    @Override
    public void find(String text, Sink sink) {
        Matcher matcher = pattern.matcher(text);
        int done = 0;
        while (next(matcher)) {
            sink.stretch(done, matcher.start(), false);
            sink.stretch(matcher.start(), matcher.end(), true);
            done = matcher.end();
        }
        sink.stretch(done, text.length(), false);
    }

    /** The text with every match replaced by other text. */
    public String replaceAll(String text, String by) {
        Matcher matcher = pattern.matcher(text);
        var result = new StringBuilder();
        int done = 0;
        while (next(matcher)) {
            result.append(text, done, matcher.start()).append(by);
            done = matcher.end();
        }
        return result.append(text, done, text.length()).toString();
    }

    private boolean next(Matcher matcher) {
        try {
            return matcher.find();
        } catch (StackOverflowError e) { // repeated groups recurse
            throw new IllegalArgumentException("the text is too long for the tokenizer's regular expression " + source
                    + ", which needs the more stack the longer a match is: give shorter texts, or the thread more stack (-Xss)", e);
        }
    }

    /** Goes through an expression once, and writes it for the JDK. */
    private static final class Translation {
        private final String source;
        private final StringBuilder out = new StringBuilder();
        private int at;
        /** How many brackets of classes are open. */
        private int classes;

        Translation(String source) {
            this.source = source;
        }

        String translate() {
            while (at < source.length()) {
                if (source.charAt(at) == '\\' && at + 1 < source.length()) {
                    escape();
                } else if (classes > 0) {
                    inClass();
                } else {
                    outside();
                }
            }
            return out.toString();
        }

        private void escape() {
            char c = source.charAt(at + 1);
            int close = source.indexOf('}', at);
            boolean braced = at + 2 < source.length() && source.charAt(at + 2) == '{' && close > 0;
            if ((c == 'p' || c == 'P') && braced) {
                property(c, source.substring(at + 3, close));
                at = close + 1;
                return;
            }
            switch (c) {
                case 'h' -> out.append(classes > 0 ? "0-9a-fA-F" : "[0-9a-fA-F]"); // a hexadecimal digit there, a blank to the JDK
                case 'H' -> out.append("[^0-9a-fA-F]");
                case 'K', 'g', 'y', 'Y', 'O' -> throw new PatternSyntaxException("\\" + c + " is not known here", source, at);
                default -> out.append('\\').append(c);
            }
            at += 2;
        }

        private void property(char p, String written) {
            boolean negated = written.startsWith("^") ^ p == 'P';
            String name = written.startsWith("^") ? written.substring(1) : written;
            String java = javaName(name).orElseThrow(() -> new PatternSyntaxException("the property " + name + " is not known here", source, at));
            out.append(negated ? "\\P{" : "\\p{").append(java).append('}');
        }

        /** Scripts and long names take a prefix in the JDK. */
        private static Optional<String> javaName(String name) {
            for (String candidate : new String[] {name, "Is" + name, "Is" + name.replace('_', ' ')}) {
                try {
                    Pattern.compile("\\p{" + candidate + "}", FLAGS);
                    return Optional.of(candidate);
                } catch (PatternSyntaxException _) {
                    // the next
                }
            }
            return Optional.ofNullable(LONG_NAMES.get(name.toLowerCase(java.util.Locale.ROOT).replace("_", "")));
        }

        private void inClass() {
            char c = source.charAt(at);
            int end = source.indexOf(":]", at);
            if (c == '[' && source.startsWith("[:", at) && end > 0) {
                boolean negated = source.charAt(at + 2) == '^';
                String name = source.substring(at + (negated ? 3 : 2), end);
                if (POSIX.containsKey(name)) {
                    out.append(negated ? "[^" + POSIX.get(name) + "]" : POSIX.get(name));
                    at = end + 2;
                    return;
                }
            }
            if (c == '[') {
                classes++;
            } else if (c == ']') {
                classes--;
            }
            out.append(c);
            at++;
        }

        private void outside() {
            char c = source.charAt(at);
            if (c == '[') {
                open();
                return;
            }
            if (source.startsWith("(?", at)) {
                group();
                return;
            }
            if (c == '{' && source.startsWith("{,", at)) {
                out.append("{0,");
                at += 2;
                return;
            }
            out.append(c);
            at++;
        }

        /** The bracket, a circumflex, and a bracket that closes and stands first, which is a character there. */
        private void open() {
            classes++;
            out.append('[');
            at++;
            if (source.startsWith("^", at)) {
                out.append('^');
                at++;
            }
            if (source.startsWith("]", at)) {
                out.append("\\]");
                at++;
            }
        }

        /** The option m is the JDK's s; x and others are the same. */
        private void group() {
            int end = at + 2;
            while (end < source.length() && "imx-".indexOf(source.charAt(end)) >= 0) {
                end++;
            }
            boolean options = end > at + 2 && end < source.length() && (source.charAt(end) == ':' || source.charAt(end) == ')');
            if (source.startsWith("(?~", at)) {
                throw new PatternSyntaxException("(?~ is not known here", source, at);
            }
            out.append("(?");
            if (options) {
                out.append(source.substring(at + 2, end).replace('m', 's'));
                at = end;
            } else {
                at += 2;
            }
        }

        /** Long names of general categories. */
        private static final Map<String, String> LONG_NAMES = Map.ofEntries(Map.entry("letter", "L"), Map.entry("uppercaseletter", "Lu"),
                Map.entry("lowercaseletter", "Ll"), Map.entry("titlecaseletter", "Lt"), Map.entry("modifierletter", "Lm"),
                Map.entry("otherletter", "Lo"), Map.entry("mark", "M"), Map.entry("nonspacingmark", "Mn"), Map.entry("number", "N"),
                Map.entry("decimalnumber", "Nd"), Map.entry("letternumber", "Nl"), Map.entry("othernumber", "No"),
                Map.entry("punctuation", "P"), Map.entry("symbol", "S"), Map.entry("separator", "Z"), Map.entry("spaceseparator", "Zs"),
                Map.entry("other", "C"), Map.entry("control", "Cc"), Map.entry("format", "Cf"));
    }
}
