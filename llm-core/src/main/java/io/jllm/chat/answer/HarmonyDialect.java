package io.jllm.chat.answer;

import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Answers of gpt-oss: messages, each with a header that names its channel and to whom it goes. By OpenAI's description of the harmony response
 * format. What goes to somebody is a call; what is in the channel {@code analysis} is reasoning; all else is content. Text that is in no message is
 * content.
 */
final class HarmonyDialect implements Dialect {
    private static final String START = "<|start|>";
    private static final String CHANNEL = "<|channel|>";
    private static final String MESSAGE = "<|message|>";
    /** What stands before the answer for the user. */
    static final String FINAL = CHANNEL + "final" + MESSAGE;
    private static final List<String> ENDS = List.of("<|end|>", "<|return|>", "<|call|>");
    private static final Pattern RECIPIENT = Pattern.compile("\\bto=(?:functions\\.)?([^\\s<]+)");
    private static final Pattern ANALYSIS = Pattern.compile("<\\|channel\\|>\\s*analysis\\b");
    private static final int LONGEST_HEADER = 512;

    private enum Place { OUTSIDE, HEADER, CONTENT, REASONING, CALL }

    private final Markers outside = Markers.of(START, CHANNEL, MESSAGE, " to=", "<|end|>", "<|return|>", "<|call|>");
    private final Markers inHeader = Markers.of(MESSAGE, "<|end|>", "<|return|>", "<|call|>");
    private final Markers inBody = Markers.of(START, CHANNEL, "<|end|>", "<|return|>", "<|call|>");
    private final boolean calls;
    private Place place = Place.OUTSIDE;
    private boolean first = true;
    private Arguments arguments = new Arguments(new JsonValue(), inBody);

    /** @param calls whether calls are looked for */
    private HarmonyDialect(boolean calls) {
        this.calls = calls;
    }

    /** Goes on where a prompt ends: within a message, if it ends with a header. */
    static HarmonyDialect behind(String prompt, boolean calls) {
        var dialect = new HarmonyDialect(calls);
        int start = Math.max(prompt.lastIndexOf(START), 0);
        int message = prompt.indexOf(MESSAGE, start);
        if (message >= 0) {
            boolean analysis = ANALYSIS.matcher(prompt.substring(start, message)).find();
            dialect.place = analysis ? Place.REASONING : Place.CONTENT;
        }
        return dialect;
    }

    @Override
    public void read(Input in, Output out) {
        boolean goesOn = true;
        while (goesOn) {
            goesOn = switch (place) {
                case OUTSIDE -> outside(in, out);
                case HEADER -> header(in, out);
                case CONTENT, REASONING -> body(in, out);
                case CALL -> call(in, out);
            };
        }
    }

    private boolean outside(Input in, Output out) {
        while (in.hasNext()) {
            int marker = outside.match(in);
            if (marker == Markers.MORE) {
                break;
            }
            String text = marker < 0 ? "" : outside.text(marker);
            if (ENDS.contains(text)) {
                out.content(in.take());
                in.skip(text.length());
                out.endToken(in.take());
                return true;
            }
            if (marker >= 0 && (first || !text.equals(" to="))) {
                out.content(in.take());
                place = Place.HEADER;
                in.forget();
                return true;
            }
            first = false;
            in.skip(1);
        }
        out.content(in.take());
        return false;
    }

    private boolean header(Input in, Output out) {
        while (in.hasNext() && in.readAhead() < LONGEST_HEADER) {
            int marker = inHeader.match(in);
            if (marker == Markers.MORE) {
                return false;
            }
            if (marker >= 0) {
                return inHeader.text(marker).equals(MESSAGE) ? message(in, out) : noHeader(in, out);
            }
            in.skip(1);
        }
        return in.ended() || in.readAhead() >= LONGEST_HEADER ? noHeader(in, out) : false;
    }

    private boolean noHeader(Input in, Output out) {
        out.content(in.take());
        first = false;
        place = Place.OUTSIDE;
        return true;
    }

    private boolean message(Input in, Output out) {
        in.skip(MESSAGE.length());
        String header = in.read();
        var recipient = RECIPIENT.matcher(header);
        if (calls && recipient.find()) {
            out.callStart(Optional.empty(), recipient.group(1), in.take());
            arguments = new Arguments(new JsonValue(), inBody);
            place = Place.CALL;
        } else {
            out.markup(in.take());
            place = ANALYSIS.matcher(header).find() ? Place.REASONING : Place.CONTENT;
        }
        return true;
    }

    private boolean body(Input in, Output out) {
        int marker = Markers.NONE;
        while (in.hasNext() && marker == Markers.NONE) {
            marker = inBody.match(in);
            in.skip(marker == Markers.NONE ? 1 : 0);
        }
        if (place == Place.REASONING) {
            out.reasoning(in.take());
        } else {
            out.content(in.take());
        }
        return marker >= 0 && end(inBody.text(marker), in, out);
    }

    /** The message is at its end, at one of its end tokens or where the next begins without one. */
    private boolean end(String token, Input in, Output out) {
        if (ENDS.contains(token)) {
            in.skip(token.length());
            out.markup(in.take());
        }
        place = Place.OUTSIDE;
        first = true;
        return true;
    }

    private boolean call(Input in, Output out) {
        if (!arguments.read(in, out)) {
            return false;
        }
        place = Place.OUTSIDE;
        first = true;
        return true;
    }
}
