package io.jllm.chat.answer;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** Answers that are text with marked calls and marked reasoning in it: all formats but gpt-oss's. */
final class MarkedDialect implements Dialect {
    /** Of what looked like a call for longer than this, all is text: it is not searched for other calls, lest time grow with the square. */
    private static final int READ_AGAIN = 4096;

    private final Syntax syntax;
    private final Syntax.Context context;
    private final Map<String, Syntax.Opener> openers = new HashMap<>();
    private final Map<String, String> closeOfOpen = new HashMap<>();
    private final List<String> endTokens;
    private final Markers inText;

    /** Inside reasoning: what ends it, and end tokens. */
    private Markers inReasoning = Markers.of();
    private String reasoningEnd = "";

    private List<Function<Syntax.Context, CallReader>> candidates = List.of();
    private int candidate;
    private CallReader reader;
    private boolean reading;
    private int openerLength;

    /** No content since the beginning, or since the last reasoning. */
    private boolean fresh = true;
    /** Nothing but white space since a call. */
    private boolean behindCall;

    MarkedDialect(Syntax syntax, ParameterTypes types, List<String> endTokens) {
        this.syntax = syntax;
        this.endTokens = endTokens;
        var ends = new ArrayList<>(syntax.closers());
        syntax.calls().forEach(o -> ends.add(o.text()));
        ends.addAll(endTokens);
        context = new Syntax.Context(types, Markers.of(ends));
        syntax.calls().forEach(o -> openers.put(o.text(), o));
        syntax.reasoning().forEach(f -> closeOfOpen.put(f.open(), f.close()));
        var all = new ArrayList<>(ends);
        all.addAll(syntax.wrappers());
        all.addAll(closeOfOpen.keySet());
        inText = Markers.of(all);
        reader = (_, _) -> CallReader.Step.NOT_A_CALL;
    }

    /** The answer begins inside reasoning. */
    void startInReasoning(String close) {
        reasoningEnd = close;
        var ends = new ArrayList<>(endTokens);
        ends.add(close);
        inReasoning = Markers.of(ends);
    }

    @Override
    public void read(Input in, Output out) {
        boolean goesOn = true;
        while (goesOn) {
            goesOn = reading ? calls(in, out) : reasoningEnd.isEmpty() ? text(in, out) : reasoning(in, out);
        }
    }

    private boolean text(Input in, Output out) {
        while (in.hasNext()) {
            int marker = inText.match(in);
            if (marker == Markers.MORE) {
                break;
            }
            if (marker >= 0 && marker(inText.text(marker), in, out)) {
                return true;
            }
            char c = in.peek();
            if (!Input.isSpace(c)) {
                if (fresh && (c == '{' || c == '[') && !syntax.bare().isEmpty()) {
                    out.content(in.take());
                    begin(syntax.bare(), 0, in);
                    return true;
                }
                fresh = false;
                behindCall = false;
            }
            in.skip(1);
        }
        out.content(in.take());
        return false;
    }

    /** A marker stands here; whether it means something here. */
    private boolean marker(String marker, Input in, Output out) {
        if (openers.containsKey(marker)) {
            out.content(in.take());
            in.skip(marker.length());
            begin(openers.get(marker).readers(), marker.length(), in);
        } else if (closeOfOpen.containsKey(marker) && fresh) {
            drop(marker, in, out);
            startInReasoning(closeOfOpen.get(marker));
        } else if (syntax.wrappers().contains(marker) || syntax.closers().contains(marker) && behindCall) {
            drop(marker, in, out);
        } else if (endTokens.contains(marker)) {
            out.content(in.take());
            in.skip(marker.length());
            out.endToken(in.take());
        } else {
            return false;
        }
        return true;
    }

    private static void drop(String marker, Input in, Output out) {
        out.content(in.take());
        in.skip(marker.length());
        out.markup(in.take());
    }

    private boolean reasoning(Input in, Output out) {
        while (in.hasNext()) {
            int marker = inReasoning.match(in);
            if (marker == Markers.MORE) {
                break;
            }
            if (marker >= 0) {
                String text = inReasoning.text(marker);
                out.reasoning(in.take());
                in.skip(text.length());
                if (text.equals(reasoningEnd)) {
                    out.markup(in.take());
                    reasoningEnd = "";
                    fresh = true;
                } else {
                    out.endToken(in.take());
                }
                return true;
            }
            in.skip(1);
        }
        out.reasoning(in.take());
        return false;
    }

    private void begin(List<Function<Syntax.Context, CallReader>> readers, int opener, Input in) {
        candidates = readers;
        candidate = 0;
        openerLength = opener;
        reading = true;
        in.forget();
        reader = candidates.getFirst().apply(context);
    }

    private boolean calls(Input in, Output out) {
        switch (reader.read(in, out)) {
            case MORE -> {
                return false;
            }
            case DONE -> {
                reading = false;
                fresh = false;
                behindCall = true;
            }
            case NOT_A_CALL -> {
                in.rewind();
                candidate++;
                if (candidate < candidates.size()) {
                    in.skip(openerLength);
                    reader = candidates.get(candidate).apply(context);
                } else {
                    notACall(in, out);
                }
            }
        }
        return true;
    }

    private void notACall(Input in, Output out) {
        int readAhead = in.readAhead();
        in.skip(readAhead > READ_AGAIN ? readAhead : Math.max(openerLength, 1));
        out.content(in.take());
        reading = false;
        fresh = false;
        behindCall = false;
    }
}
