package io.jllm.chat.answer;

import java.util.function.Supplier;

/** Calls that are JSON objects: one, several one after the other (Llama writes {@code ;} between them), or a list. */
final class JsonCalls implements CallReader {
    private enum Place { FIRST, CALL, AFTER_CALL }

    private final Supplier<CallReader> calls;
    private final boolean strict;
    private CallReader call;
    private Place place = Place.FIRST;
    private boolean list;
    private boolean any;

    /**
     * @param calls reads one call
     * @param strict whether nothing but calls may be here: for objects without any mark
     */
    JsonCalls(Supplier<CallReader> calls, boolean strict) {
        this.calls = calls;
        this.strict = strict;
        call = calls.get();
    }

    @Override
    public Step read(Input in, Output out) {
        while (true) {
            if (place == Place.CALL) {
                switch (call.read(in, out)) {
                    case MORE -> {
                        return Step.MORE;
                    }
                    case NOT_A_CALL -> {
                        return stop(in);
                    }
                    case DONE -> {
                        any = true;
                        place = Place.AFTER_CALL;
                    }
                }
            }
            if (in.skipSpace()) {
                return in.ended() ? stop(in) : Step.MORE;
            }
            char c = in.peek();
            if (place == Place.FIRST) {
                list = c == '[';
                place = Place.CALL;
                in.skip(list ? 1 : 0);
            } else if (list && c == ']') {
                in.skip(1);
                out.markup(in.take());
                return Step.DONE;
            } else if (!list && !strict && c == '}') { // models write one too many
                in.skip(1);
                out.markup(in.take());
            } else if (list ? c == ',' : c == ';' || c == '{') {
                in.skip(c == '{' ? 0 : 1);
                call = calls.get();
                place = Place.CALL;
            } else {
                return stop(in);
            }
        }
    }

    /** No more calls, or none at all: what was read of the next is no call. */
    private Step stop(Input in) {
        in.rewind();
        return any ? Step.DONE : Step.NOT_A_CALL;
    }
}
