package io.jllm.chat.answer;

/**
 * The arguments of a call that has begun. They are passed on as they come. Where they stop being what the syntax wants, all text up to the end of
 * the call is passed on as the model wrote it, so that nothing is lost and whoever makes the call sees what is wrong.
 */
final class Arguments {
    private final Markers ends;
    private final ValueScanner value;
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
            var step = value.next(in.peek());
            malformed = step == ValueScanner.Step.ERROR;
            in.skip(step == ValueScanner.Step.MORE || step == ValueScanner.Step.LAST ? 1 : 0);
            if (step == ValueScanner.Step.LAST || step == ValueScanner.Step.PAST) {
                pass(in, out);
                out.callEnd();
                return true;
            }
        }
        pass(in, out);
        return malformed ? rest(in, out, ends) : in.ended();
    }

    private void pass(Input in, Output out) {
        out.arguments(value.drain(), in.take());
    }

    /** From here on the text is malformed: all up to the end of the call is passed on. Whether the call is at its end. */
    static boolean rest(Input in, Output out, Markers ends) {
        int end = Markers.NONE;
        while (in.hasNext() && end == Markers.NONE) {
            end = ends.match(in);
            in.skip(end == Markers.NONE ? 1 : 0);
        }
        String raw = in.take();
        out.arguments(raw, raw);
        boolean ended = end >= 0 || in.ended();
        if (ended) {
            out.callEnd();
        }
        return ended;
    }
}
