package io.jllm.chat.answer;

/**
 * Reads one value (an object, a list, a string ...) a character at a time and writes it as JSON as far as it has come. What was written is
 * always the beginning of a JSON text. Objects and lists are the same in all notations; strings, numbers and names are a notation's own.
 */
abstract class ValueScanner {
    /** What a character was. */
    enum Step {
        /** Part of the value, which goes on. */
        MORE,
        /** The last of the value. */
        LAST,
        /** No part of the value, which ended before it. */
        PAST,
        /** An error: the value is malformed. Nothing was written for this character, and all that came before it is. */
        ERROR
    }

    private enum Place { VALUE, FIRST_VALUE, FIRST_KEY, KEY, COLON, AFTER_VALUE, IN_VALUE, IN_KEY, DONE, ERROR }

    /** JSON that is written and not yet asked for. */
    protected final StringBuilder json = new StringBuilder();
    /** What is open: an object, a list, a parenthesis, or a parenthesis that had a comma. */
    private final StringBuilder open = new StringBuilder();
    private Place place = Place.VALUE;
    /** A comma that is written when something follows it. */
    private boolean comma;

    /** Begins a string, number or name with its first character. Answers MORE, LAST or ERROR. */
    abstract Step begin(char c, boolean key);

    /** Goes on with it. Answers PAST if it ended before the character. */
    abstract Step atom(char c);

    /** The character that ends the value is the end of the text: whether what was begun is whole. */
    abstract boolean atomMayEnd();

    /** Whether a comma may stand before the end of a list, and parentheses make lists. */
    boolean python() {
        return false;
    }

    /** Reads a character. */
    final Step next(char c) {
        Step step = place == Place.IN_VALUE || place == Place.IN_KEY ? inAtom(c) : between(c);
        if (step == Step.ERROR) {
            writeComma();
            place = Place.ERROR;
        }
        return step;
    }

    private Step inAtom(char c) {
        Step step = atom(c);
        if (step == Step.MORE || step == Step.ERROR) {
            return step;
        }
        boolean key = place == Place.IN_KEY;
        place = key ? Place.COLON : Place.AFTER_VALUE;
        if (!key && open.isEmpty()) {
            place = Place.DONE;
            return step;
        }
        return step == Step.LAST ? Step.MORE : between(c);
    }

    private Step between(char c) {
        if (Input.isSpace(c)) {
            if (!comma && !open.isEmpty()) {
                json.append(c);
            }
            return Step.MORE;
        }
        return switch (place) {
            case VALUE -> c == ']' || c == ')' ? closeAfterComma(c) : value(c);
            case FIRST_VALUE -> c == ']' || c == ')' ? close(c) : value(c);
            case FIRST_KEY -> c == '}' ? close(c) : key(c);
            case KEY -> c == '}' ? closeAfterComma(c) : key(c);
            case COLON -> {
                if (c != ':') {
                    yield Step.ERROR;
                }
                json.append(c);
                place = Place.VALUE;
                yield Step.MORE;
            }
            case AFTER_VALUE -> c == ',' ? comma(c) : close(c);
            case IN_VALUE, IN_KEY, DONE, ERROR -> Step.ERROR;
        };
    }

    private char top() {
        return open.isEmpty() ? ' ' : open.charAt(open.length() - 1);
    }

    private Step comma(char c) {
        place = top() == '{' ? Place.KEY : Place.VALUE;
        if (top() == '(') {
            open.setCharAt(open.length() - 1, 't');
        }
        comma = true;
        if (!python()) {
            json.append(c);
            comma = false;
        }
        return Step.MORE;
    }

    private void writeComma() {
        if (comma) {
            json.append(", ");
            comma = false;
        }
    }

    private Step value(char c) {
        switch (c) {
            case '{' -> {
                writeComma();
                json.append(c);
                open.append(c);
                place = Place.FIRST_KEY;
                return Step.MORE;
            }
            case '[', '(' -> {
                if (c == '(' && !python()) {
                    return Step.ERROR;
                }
                writeComma();
                json.append('[');
                open.append(c);
                place = Place.FIRST_VALUE;
                return Step.MORE;
            }
            default -> {
                return atomBegins(c, Place.IN_VALUE);
            }
        }
    }

    private Step key(char c) {
        return atomBegins(c, Place.IN_KEY);
    }

    private Step atomBegins(char c, Place inside) {
        writeComma();
        Step step = begin(c, inside == Place.IN_KEY);
        if (step != Step.ERROR) {
            place = inside;
        }
        return step;
    }

    private Step closeAfterComma(char c) {
        return comma ? close(c) : Step.ERROR;
    }

    private Step close(char c) {
        boolean fits = switch (top()) {
            case '{' -> c == '}';
            case '[' -> c == ']';
            case '(' -> c == ')' && place == Place.FIRST_VALUE;
            case 't' -> c == ')';
            default -> false;
        };
        if (!fits) {
            return Step.ERROR;
        }
        comma = false;
        json.append(c == ')' ? ']' : c);
        open.setLength(open.length() - 1);
        place = open.isEmpty() ? Place.DONE : Place.AFTER_VALUE;
        return open.isEmpty() ? Step.LAST : Step.MORE;
    }

    /** Whether the value is whole if nothing follows. */
    final boolean mayEnd() {
        return place == Place.DONE || place == Place.IN_VALUE && open.isEmpty() && atomMayEnd();
    }

    /** The JSON text since the last time. */
    final String drain() {
        String text = json.toString();
        json.setLength(0);
        return text;
    }
}
