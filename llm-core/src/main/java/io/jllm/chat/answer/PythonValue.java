package io.jllm.chat.answer;

import java.util.Map;
import java.util.regex.Pattern;

/**
 * A literal as Python has it, written as JSON: strings in single, double or three quotes with Python's escapes, {@code True}, {@code False},
 * {@code None} (or JSON's names), numbers, lists, tuples and dicts with strings as keys. Prefixed strings, sets and expressions are errors.
 */
final class PythonValue extends ValueScanner {
    private static final Map<String, String> NAMES = Map.of("True", "true", "False", "false", "None", "null", "true", "true", "false", "false",
            "null", "null");
    private static final Pattern NUMBER = Pattern.compile("([+-]?)(0|[1-9]\\d*+|\\d*+(?=\\.\\d)|\\d++(?=\\.))(\\.\\d*+)?([eE][+-]?\\d++)?");
    private static final String SIMPLE = "\n\\'\"abfnrtv";
    private static final String MEANT = "\0\\'\"\u0007\b\f\n\r\t\u000b";

    private enum State { WORD, OPENING, TEXT, ESCAPE, DIGITS }

    private State state = State.WORD;
    private final StringBuilder word = new StringBuilder();
    private char quote;
    /** Quotes in a row: at the opening, and where a string in three quotes may end. */
    private int quotes;
    private boolean triple;
    /** Of an escape by a number: the letter that begins it, how many digits it has and of which base. */
    private String kind = "";
    private int digits;
    private int radix;

    @Override
    boolean python() {
        return true;
    }

    @Override
    Step begin(char c, boolean key) {
        word.setLength(0);
        if (c == '"' || c == '\'') {
            quote = c;
            quotes = 1;
            triple = false;
            state = State.OPENING;
            json.append('"');
            return Step.MORE;
        }
        state = State.WORD;
        word.append(c);
        return !key && (isWord(c) || c == '-' || c == '+' || c == '.') ? Step.MORE : Step.ERROR;
    }

    private static boolean isWord(char c) {
        return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_';
    }

    @Override
    Step atom(char c) {
        return switch (state) {
            case WORD -> word(c);
            case OPENING -> opening(c);
            case TEXT -> text(c);
            case ESCAPE -> escape(c);
            case DIGITS -> digit(c);
        };
    }

    private Step word(char c) {
        if (isWord(c) || c == '.' || (c == '-' || c == '+') && (word.charAt(word.length() - 1) | 32) == 'e') {
            word.append(c);
            return Step.MORE;
        }
        boolean fits = atomMayEnd();
        json.append(fits ? wordAsJson() : word);
        if (!fits) {
            return Step.ERROR;
        }
        return Step.PAST;
    }

    /** A string has had one or two quotes. */
    private Step opening(char c) {
        if (c == quote) {
            quotes++;
            if (quotes == 3) {
                triple = true;
                quotes = 0;
                state = State.TEXT;
            }
            return Step.MORE;
        }
        if (quotes == 2) {
            json.append('"');
            return Step.PAST;
        }
        quotes = 0;
        state = State.TEXT;
        return text(c);
    }

    private Step text(char c) {
        if (c == quote) {
            quotes++;
            if (!triple || quotes == 3) {
                json.append('"');
                return Step.LAST;
            }
            return Step.MORE;
        }
        for (; quotes > 0; quotes--) {
            JsonValue.escape(quote, json);
        }
        if (c == '\\') {
            state = State.ESCAPE;
        } else {
            JsonValue.escape(c, json);
        }
        return Step.MORE;
    }

    private Step escape(char c) {
        int simple = SIMPLE.indexOf(c);
        state = State.TEXT;
        if (c == 'x' || c == 'u' || c == 'U' || c >= '0' && c <= '7') {
            word.setLength(0);
            kind = c == 'x' || c == 'u' || c == 'U' ? String.valueOf(c) : "";
            radix = c == 'x' || c == 'u' || c == 'U' ? 16 : 8;
            digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 3;
            state = State.DIGITS;
            return radix == 8 ? digit(c) : Step.MORE;
        }
        if (simple > 0) {
            JsonValue.escape(MEANT.charAt(simple), json);
        } else if (simple < 0) { // Python keeps what it does not know
            JsonValue.escape('\\', json);
            JsonValue.escape(c, json);
        }
        return Step.MORE;
    }

    private Step digit(char c) {
        boolean fits = c < 128 && Character.digit(c, radix) >= 0;
        if (fits) {
            word.append(c);
        }
        if (!fits || word.length() == digits) {
            long code = word.isEmpty() || radix == 16 && !fits ? -1 : Long.parseLong(word.toString(), radix);
            if (code < 0 || code > Character.MAX_CODE_POINT) {
                json.append('\\').append(kind).append(word, 0, word.length() - (fits ? 1 : 0));
                return Step.ERROR;
            }
            for (char unit : Character.toChars((int) code)) {
                JsonValue.escape(unit, json);
            }
            state = State.TEXT;
        }
        return fits ? Step.MORE : text(c);
    }

    @Override
    boolean atomMayEnd() {
        return state == State.WORD && (NAMES.containsKey(word.toString()) || NUMBER.matcher(word).matches());
    }

    private String wordAsJson() {
        String name = NAMES.get(word.toString());
        if (name != null) {
            return name;
        }
        var number = NUMBER.matcher(word);
        number.matches();
        String whole = number.group(2).replaceFirst("^0+(?=\\d)", "");
        String point = number.group(3) == null ? "" : number.group(3).length() == 1 ? ".0" : number.group(3);
        return (number.group(1).equals("-") ? "-" : "") + (whole.isEmpty() ? "0" : whole) + point + (number.group(4) == null ? "" : number.group(4));
    }
}
