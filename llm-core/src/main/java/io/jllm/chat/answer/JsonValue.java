package io.jllm.chat.answer;

import java.util.regex.Pattern;

/**
 * A value as JSON has it, by RFC 8259. Written as it is read, but for line ends and other control characters inside strings, which models
 * forget to escape: they are escaped.
 */
final class JsonValue extends ValueScanner {
    private static final Pattern WORD = Pattern.compile("true|false|null|-?(0|[1-9]\\d*+)(\\.\\d++)?([eE][+-]?\\d++)?");
    private static final String WORD_CHARS = "+-.0123456789abcdefghijklmnopqrstuvwxyzE";

    private final StringBuilder word = new StringBuilder();
    private boolean inString;
    /** Inside an escape: how many characters of it are to come, of which the first tells how many; 0 outside. */
    private int escape;

    @Override
    Step begin(char c, boolean key) {
        inString = c == '"';
        if (!inString && (key || WORD_CHARS.indexOf(c) < 0)) {
            return Step.ERROR;
        }
        word.setLength(0);
        word.append(c);
        json.append(c);
        return Step.MORE;
    }

    @Override
    Step atom(char c) {
        return inString ? string(c) : word(c);
    }

    private Step string(char c) {
        if (escape > 0) {
            return escaped(c);
        }
        if (c < ' ') {
            escape(c, json);
            return Step.MORE;
        }
        json.append(c);
        if (c == '\\') {
            escape = 5;
        }
        return c == '"' ? Step.LAST : Step.MORE;
    }

    private Step escaped(char c) {
        boolean first = escape == 5;
        if (first ? "\"\\/bfnrtu".indexOf(c) < 0 : Character.digit(c, 16) < 0 || c > 'f') {
            return Step.ERROR;
        }
        escape = first && c != 'u' ? 0 : escape - 1;
        json.append(c);
        return Step.MORE;
    }

    private Step word(char c) {
        if (WORD_CHARS.indexOf(c) >= 0) {
            word.append(c);
            json.append(c);
            return Step.MORE;
        }
        return atomMayEnd() ? Step.PAST : Step.ERROR;
    }

    @Override
    boolean atomMayEnd() {
        return !inString && WORD.matcher(word).matches();
    }

    /** Writes a character of a text inside a JSON string. */
    static void escape(char c, StringBuilder json) {
        switch (c) {
            case '"' -> json.append("\\\"");
            case '\\' -> json.append("\\\\");
            case '\n' -> json.append("\\n");
            case '\r' -> json.append("\\r");
            case '\t' -> json.append("\\t");
            default -> {
                if (c < ' ') {
                    json.append(String.format("\\u%04x", (int) c));
                } else {
                    json.append(c);
                }
            }
        }
    }

    /** A text inside a JSON string. */
    static String escape(String text) {
        var json = new StringBuilder(text.length() + 2);
        for (int i = 0; i < text.length(); i++) {
            escape(text.charAt(i), json);
        }
        return json.toString();
    }

    /** Whether a text is one JSON value, with or without white space around it. */
    static boolean isWhole(String text) {
        var value = new JsonValue();
        String stripped = text.strip();
        for (int i = 0; i < stripped.length(); i++) {
            Step step = value.next(stripped.charAt(i));
            if (step == Step.LAST ? i + 1 < stripped.length() : step != Step.MORE) {
                return false;
            }
        }
        return value.mayEnd();
    }
}
