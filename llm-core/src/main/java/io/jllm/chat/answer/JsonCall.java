package io.jllm.chat.answer;

import com.google.gson.JsonParser;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/**
 * One call that is a JSON object with a name and arguments. The keys are those of all formats: {@code name}, {@code function} or
 * {@code tool_name}; {@code arguments} or {@code parameters}; {@code id}, {@code tool_call_id}; an object under {@code function} holds them too, as
 * in OpenAI's API. Arguments may be an object or a string with one.
 *
 * <p>The call has begun when its name is known and its arguments have begun, or the object ends without any. Before that anything unexpected makes
 * it none. What stands behind name and arguments in the object is skipped.
 */
final class JsonCall implements CallReader {
    private static final Set<String> NAMES = Set.of("name", "function", "tool_name");
    private static final Set<String> ARGUMENTS = Set.of("arguments", "parameters");
    private static final Set<String> IDS = Set.of("id", "tool_call_id");

    private enum Place { OPEN, KEY, IN_KEY, COLON, VALUE, IN_VALUE, IN_ARGUMENTS, AFTER_VALUE, END }

    private final Predicate<String> accepts;
    private final boolean strict;
    private final Arguments streamed;

    private Place place = Place.OPEN;
    private ValueScanner scanner = new JsonValue();
    private String key = "";
    private int nested;
    private Optional<String> id = Optional.empty();
    private Optional<String> name = Optional.empty();
    private Optional<String> arguments = Optional.empty();
    private boolean told;

    /**
     * @param accepts names of tools
     * @param strict whether there must be arguments, and no keys but the known ones: for objects without any mark
     * @param ends what ends a call whose arguments are malformed
     */
    JsonCall(Predicate<String> accepts, boolean strict, Markers ends) {
        this.accepts = accepts;
        this.strict = strict;
        streamed = new Arguments(new JsonValue(), ends);
    }

    @Override
    public Step read(Input in, Output out) {
        while (place != Place.END) {
            if (place == Place.IN_ARGUMENTS) {
                if (!streamed.read(in, out)) {
                    return Step.MORE;
                }
                told = true;
                place = Place.AFTER_VALUE;
            } else if (!in.hasNext() && !in.ended()) {
                return Step.MORE;
            } else if (!in.hasNext() || !step(in.peek(), in, out)) {
                break;
            }
        }
        if (told) {
            out.markup(in.take());
        }
        return told ? Step.DONE : Step.NOT_A_CALL;
    }

    /** Reads a character; false if it does not fit. */
    private boolean step(char c, Input in, Output out) {
        if (place == Place.IN_KEY || place == Place.IN_VALUE) {
            return scan(c, in, out);
        }
        if (Input.isSpace(c)) {
            in.skip(1);
            return true;
        }
        return switch (place) {
            case OPEN -> c == '{' && go(Place.KEY, in);
            case KEY -> c == '"' ? begin(Place.IN_KEY) : c == '}' && close(in, out);
            case COLON -> c == ':' && go(Place.VALUE, in);
            case VALUE -> value(c, in, out);
            case AFTER_VALUE -> c == ',' ? go(Place.KEY, in) : c == '}' && close(in, out);
            case IN_KEY, IN_VALUE, IN_ARGUMENTS, END -> throw new IllegalStateException("at " + place);
        };
    }

    private boolean go(Place next, Input in) {
        in.skip(1);
        place = next;
        return true;
    }

    private boolean begin(Place inside) {
        scanner = new JsonValue();
        place = inside;
        return true;
    }

    /** Keys, and values that are read whole. */
    private boolean scan(char c, Input in, Output out) {
        return switch (scanner.next(c)) {
            case MORE -> go(place, in);
            case LAST -> go(place, in) && scanned(in, out);
            case PAST -> scanned(in, out);
            case ERROR -> false;
        };
    }

    private boolean scanned(Input in, Output out) {
        String json = scanner.drain();
        if (place == Place.IN_KEY) {
            key = string(json);
            place = Place.COLON;
            return told || !strict || NAMES.contains(key) || ARGUMENTS.contains(key) || IDS.contains(key) || key.equals("type");
        }
        place = Place.AFTER_VALUE;
        if (told) {
            return true;
        }
        boolean isString = json.startsWith("\"");
        if (IDS.contains(key) && isString) {
            id = Optional.of(string(json));
        } else if (NAMES.contains(key)) {
            if (!isString || name.isPresent() || !accepts.test(string(json))) {
                return false;
            }
            name = Optional.of(string(json));
        } else if (ARGUMENTS.contains(key)) {
            arguments = Optional.of(json.equals("null") ? "{}" : isString ? string(json) : json);
        }
        if (name.isPresent() && arguments.isPresent()) {
            tellWhole(arguments.get(), in, out);
        }
        return true;
    }

    private static String string(String json) {
        return JsonParser.parseString(json).getAsString();
    }

    private void tellWhole(String whole, Input in, Output out) {
        out.callStart(id, name.orElseThrow(), "");
        out.arguments(whole, in.take());
        out.callEnd();
        told = true;
    }

    private boolean value(char c, Input in, Output out) {
        if (c == '{' && key.equals("function") && !told) {
            nested++;
            return go(Place.KEY, in);
        }
        if (!told && ARGUMENTS.contains(key) && name.isPresent() && c != '"' && c != 'n') {
            out.callStart(id, name.get(), in.take());
            place = Place.IN_ARGUMENTS;
            return true;
        }
        return begin(Place.IN_VALUE);
    }

    private boolean close(Input in, Output out) {
        in.skip(1);
        if (nested > 0) {
            nested--;
            place = Place.AFTER_VALUE;
            return true;
        }
        if (!told && !strict && name.isPresent()) {
            tellWhole("{}", in, out);
        }
        place = Place.END;
        return told;
    }
}
