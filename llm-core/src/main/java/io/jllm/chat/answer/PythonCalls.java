package io.jllm.chat.answer;

import java.util.Optional;
import java.util.function.Predicate;

/**
 * Calls as Python has them, with arguments by name: {@code f(a=1, b="x")}; in a list, or one after the other with white space, commas or semicolons
 * between them. A call has begun with the {@code =} of its first argument, or with {@code ()}.
 */
final class PythonCalls implements CallReader {
    private enum Place { FIRST, NAME, ARGUMENT, EQUALS, VALUE, AFTER_VALUE, MALFORMED, AFTER_CALL }

    private final Predicate<String> accepts;
    private final boolean listOnly;
    private final Markers ends;

    private Place place = Place.FIRST;
    private boolean list;
    private boolean any;
    private final StringBuilder word = new StringBuilder();
    private String name = "";
    private boolean told;
    private ValueScanner value = new PythonValue();

    /**
     * @param accepts names of tools
     * @param listOnly whether the calls must be in a list: for calls without any mark
     * @param ends what ends a call that is malformed
     */
    PythonCalls(Predicate<String> accepts, boolean listOnly, Markers ends) {
        this.accepts = accepts;
        this.listOnly = listOnly;
        this.ends = ends;
    }

    @Override
    public Step read(Input in, Output out) {
        while (true) {
            if (place == Place.MALFORMED) {
                if (!Arguments.rest(in, out, ends)) {
                    return Step.MORE;
                }
                return Step.DONE;
            }
            if (!in.hasNext()) {
                return atEnd(in, out);
            }
            char c = in.peek();
            if (!step(c, in, out)) {
                if (!told) {
                    in.rewind();
                    return any ? Step.DONE : Step.NOT_A_CALL;
                }
                place = Place.MALFORMED;
            } else if (place == Place.AFTER_CALL && list && c == ']') {
                out.markup(in.take());
                return Step.DONE;
            }
        }
    }

    private Step atEnd(Input in, Output out) {
        if (place == Place.VALUE) {
            pass(in, out);
        }
        if (!in.ended()) {
            return Step.MORE;
        }
        if (told) {
            out.arguments("", in.take());
        } else {
            in.rewind();
        }
        return told || any ? Step.DONE : Step.NOT_A_CALL;
    }

    private void pass(Input in, Output out) {
        out.arguments(value.drain(), in.take());
    }

    /** Reads a character; false if it does not fit. */
    private boolean step(char c, Input in, Output out) {
        if (place == Place.VALUE) {
            return value(c, in, out);
        }
        if (isName(c) && (place == Place.NAME || place == Place.ARGUMENT)) {
            word.append(c);
            in.skip(1);
            return true;
        }
        if (Input.isSpace(c) && (place != Place.NAME && place != Place.ARGUMENT || word.isEmpty())) {
            in.skip(1);
            return true;
        }
        return switch (place) {
            case FIRST -> first(c, in);
            case NAME -> c == '(' && named(in);
            case ARGUMENT -> c == ')' && word.isEmpty() ? closeCall(in, out) : argumentEnds(c);
            case EQUALS -> c == '=' && begin(in, out);
            case AFTER_VALUE -> c == ',' ? go(Place.ARGUMENT, in) : c == ')' && closeCall(in, out);
            case AFTER_CALL -> list ? c == ']' && go(Place.AFTER_CALL, in) || c == ',' && go(Place.NAME, in)
                    : c == ',' || c == ';' ? go(Place.NAME, in) : isName(c) && go(Place.NAME, in, 0);
            case VALUE, MALFORMED -> throw new IllegalStateException("at " + place);
        };
    }

    private static boolean isName(char c) {
        return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '.' || c == '-';
    }

    private boolean go(Place next, Input in) {
        return go(next, in, 1);
    }

    private boolean go(Place next, Input in, int chars) {
        in.skip(chars);
        place = next;
        word.setLength(0);
        return true;
    }

    private boolean first(char c, Input in) {
        list = c == '[';
        return (list || !listOnly) && go(Place.NAME, in, list ? 1 : 0);
    }

    private boolean named(Input in) {
        String whole = word.toString();
        // Llama 3 writes its built-in tools so
        name = whole.endsWith(".call") ? whole.substring(0, whole.length() - ".call".length()) : whole;
        return accepts.test(whole) && !name.isEmpty() && go(Place.ARGUMENT, in);
    }

    private boolean argumentEnds(char c) {
        if (word.isEmpty() || c != '=' && !Input.isSpace(c)) {
            return false;
        }
        place = Place.EQUALS;
        return true;
    }

    private boolean begin(Input in, Output out) {
        in.skip(1);
        if (told) {
            out.arguments(", ", "");
        } else {
            tell(in, out);
        }
        out.arguments("\"" + JsonValue.escape(word.toString()) + "\": ", in.take());
        value = new PythonValue();
        place = Place.VALUE;
        return true;
    }

    private void tell(Input in, Output out) {
        out.callStart(Optional.empty(), name, in.take());
        out.arguments("{", "");
        told = true;
    }

    private boolean value(char c, Input in, Output out) {
        switch (value.next(c)) {
            case MORE -> in.skip(1);
            case LAST -> {
                in.skip(1);
                pass(in, out);
                place = Place.AFTER_VALUE;
            }
            case PAST -> {
                pass(in, out);
                place = Place.AFTER_VALUE;
            }
            case ERROR -> {
                pass(in, out);
                return false;
            }
        }
        return true;
    }

    private boolean closeCall(Input in, Output out) {
        in.skip(1);
        if (!told) {
            tell(in, out);
        }
        out.arguments("}", in.take());
        out.callEnd();
        told = false;
        any = true;
        place = Place.AFTER_CALL;
        return true;
    }
}
