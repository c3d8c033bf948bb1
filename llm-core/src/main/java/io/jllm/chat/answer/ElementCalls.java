package io.jllm.chat.answer;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Calls in the manner of XML: {@code <function=f><parameter=a>1</parameter></function>}. A call has begun when its name is followed by a parameter
 * or its end.
 */
final class ElementCalls implements CallReader {
    private enum Place { CALL, NAME, PARAMETERS, PARAMETER_NAME, VALUE_OPEN, VALUE, MALFORMED, NEXT }

    /** What a look at the text told: it fits, it does not, or more of it must be known. */
    private enum Look { FITS, FAILS, MORE }

    private static final int LONGEST_NAME = 256;

    private final Tags tags;
    private final ParameterTypes types;
    private final Markers call;
    private final Markers nameEnd;
    private final Markers inCall;
    private final Markers parameterNameEnds;
    private final Markers valueOpen;
    private final Markers valueEnds;
    private final Markers ends;

    private Place place;
    private boolean any;
    private boolean told;
    private boolean comma;
    private final StringBuilder word = new StringBuilder();
    private String tool = "";
    private String parameter = "";
    private Tags.Notation notation = Tags.Notation.TEXT;
    private ElementValue value = new ElementValue(true);

    /**
     * @param named whether the tag that opens the first call is read
     * @param ends what ends a call that is malformed
     */
    ElementCalls(Tags tags, boolean named, ParameterTypes types, Markers ends) {
        this.tags = tags;
        this.types = types;
        call = optional(tags.call());
        nameEnd = optional(tags.nameEnd());
        inCall = Markers.of(tags.parameter(), tags.callEnd());
        parameterNameEnds = Markers.of(tags.nameEnds().stream().map(Tags.NameEnd::text).toList());
        valueOpen = optional(tags.valueOpen());
        var values = new ArrayList<>(tags.forgotten());
        values.add(tags.valueEnd());
        valueEnds = Markers.of(values);
        this.ends = ends;
        place = named || tags.call().isEmpty() ? Place.NAME : Place.CALL;
    }

    private static Markers optional(String text) {
        return Markers.of(text.isEmpty() ? List.of() : List.of(text));
    }

    @Override
    public Step read(Input in, Output out) {
        while (true) {
            Look look = switch (place) {
                case CALL, NEXT -> call(in);
                case NAME -> name(in);
                case PARAMETERS -> parameters(in, out);
                case PARAMETER_NAME -> parameterName(in, out);
                case VALUE_OPEN -> valueOpen(in, out);
                case VALUE -> value(in, out);
                case MALFORMED -> Look.FAILS;
            };
            if (look == Look.FAILS && told) {
                place = Place.MALFORMED;
                return Arguments.rest(in, out, ends) ? Step.DONE : Step.MORE;
            }
            if (look == Look.MORE && !in.ended()) {
                return Step.MORE;
            }
            if (look != Look.FITS) {
                return stop(in, out);
            }
        }
    }

    private Step stop(Input in, Output out) {
        if (told) {
            out.arguments(place == Place.VALUE ? value.unfinished() : "", in.take());
            return Step.DONE;
        }
        in.rewind();
        return any ? Step.DONE : Step.NOT_A_CALL;
    }

    private Look call(Input in) {
        return in.skipSpace() ? Look.MORE : tag(call, in, Place.NAME);
    }

    /** Reads a tag, if it is here. */
    private Look tag(Markers tag, Input in, Place next) {
        int found = tag.match(in);
        if (found < 0) {
            return found == Markers.MORE ? Look.MORE : Look.FAILS;
        }
        in.skip(tag.text(found).length());
        place = next;
        word.setLength(0);
        return Look.FITS;
    }

    private Look name(Input in) {
        if (tags.call().isEmpty() && word.isEmpty() && in.skipSpace()) {
            return Look.MORE;
        }
        while (in.hasNext() && isName(in.peek()) && word.length() < LONGEST_NAME) {
            word.append(in.peek());
            in.skip(1);
        }
        if (!in.hasNext()) {
            return Look.MORE;
        }
        tool = word.toString();
        if (tool.isEmpty()) {
            return Look.FAILS;
        }
        if (tags.nameEnd().isEmpty()) {
            place = Place.PARAMETERS;
            return Look.FITS;
        }
        return tag(nameEnd, in, Place.PARAMETERS);
    }

    private static boolean isName(char c) {
        return Character.isLetterOrDigit(c) || c == '_' || c == '.' || c == '-';
    }

    private Look parameters(Input in, Output out) {
        if (in.skipSpace()) {
            return Look.MORE;
        }
        int found = inCall.match(in);
        if (found < 0) {
            return found == Markers.MORE ? Look.MORE : Look.FAILS;
        }
        if (!told) {
            out.callStart(Optional.empty(), tool, in.take());
            out.arguments("{", "");
            told = true;
            comma = false;
        }
        String tag = inCall.text(found);
        in.skip(tag.length());
        if (tag.equals(tags.parameter())) {
            place = Place.PARAMETER_NAME;
            word.setLength(0);
        } else {
            out.arguments("}", in.take());
            out.callEnd();
            told = false;
            any = true;
            place = Place.NEXT;
        }
        return Look.FITS;
    }

    private Look parameterName(Input in, Output out) {
        int found = parameterNameEnds.match(in);
        while (found == Markers.NONE && in.hasNext() && word.length() < LONGEST_NAME) {
            word.append(in.peek());
            in.skip(1);
            found = parameterNameEnds.match(in);
        }
        if (found < 0) {
            return found == Markers.MORE ? Look.MORE : Look.FAILS;
        }
        String end = parameterNameEnds.text(found);
        in.skip(end.length());
        parameter = word.toString().strip();
        out.arguments((comma ? ", \"" : "\"") + JsonValue.escape(parameter) + "\": ", in.take());
        comma = true;
        notation = tags.nameEnds().stream().filter(e -> e.text().equals(end)).findFirst().orElseThrow().notation();
        value = new ElementValue(notation == Tags.Notation.TEXT || notation == Tags.Notation.BY_SCHEMA && types.isText(tool, parameter));
        place = tags.valueOpen().isEmpty() ? Place.VALUE : Place.VALUE_OPEN;
        return Look.FITS;
    }

    private Look valueOpen(Input in, Output out) {
        Look look = in.skipSpace() ? Look.MORE : tag(valueOpen, in, Place.VALUE);
        if (look == Look.FITS) {
            out.arguments("", in.take());
        }
        return look;
    }

    private Look value(Input in, Output out) {
        int found = valueEnds.match(in);
        while (found == Markers.NONE && in.hasNext()) {
            in.skip(1);
            found = valueEnds.match(in);
        }
        String source = in.take();
        out.arguments(value.add(source), source);
        if (found < 0) {
            return Look.MORE;
        }
        out.arguments(notation == Tags.Notation.JSON ? value.endJson() : value.end(types, tool, parameter), "");
        in.skip(valueEnds.text(found).equals(tags.valueEnd()) ? tags.valueEnd().length() : 0);
        out.arguments("", in.take());
        place = Place.PARAMETERS;
        return Look.FITS;
    }
}
