package io.jllm.chat.answer;

/**
 * The arguments of a call that has begun. They are passed on as they come. Where they stop being what the syntax wants, all text up to the end of
 * the call is passed on as the model wrote it, so that nothing is lost and whoever makes the call sees what is wrong.
 */
final class Arguments {
    private final Markers ends;
    private final ValueScanner value;
    private final StringBuilder json = new StringBuilder();
    private boolean malformed;

    /**
     * @param ends what ends a call whose arguments are malformed; not taken
     */
    Arguments(ValueScanner value, Markers ends) {
        this.value = value;
        this.ends = ends;
    }

    /** Reads on; whether the call is at its end. At the end of the answer it always is. */
    boolean read(Input in, Output out) {
        while (!malformed && in.hasNext()) {
            switch (value.next(in.peek())) {
                case MORE -> in.skip(1);
                case LAST -> {
                    in.skip(1);
                    pass(in, out);
                    out.callEnd();
                    return true;
                }
                case PAST -> {
                    pass(in, out);
                    out.callEnd();
                    return true;
                }
                case ERROR -> malformed = true;
            }
        }
        pass(in, out);
        return malformed ? malformed(in, out) : in.ended();
    }

    private void pass(Input in, Output out) {
        out.arguments(value.drain(), in.take());
    }

    /** From here on the text is malformed: all up to the end of the call is passed on. Whether the call is at its end. */
    static boolean rest(Input in, Output out, Markers ends) {
        while (in.hasNext()) {
            int end = ends.match(in);
            if (end != Markers.NONE) {
                String raw = in.take();
                out.arguments(raw, raw);
                if (end >= 0) {
                    out.callEnd();
                }
                return end >= 0;
            }
            in.skip(1);
        }
        String raw = in.take();
        out.arguments(raw, raw);
        if (in.ended()) {
            out.callEnd();
        }
        return in.ended();
    }

    private boolean malformed(Input in, Output out) {
        return rest(in, out, ends);
    }
}
