package io.jllm.tokenizer.split;

import java.util.function.IntPredicate;

/** Finds stretches in a text. Thread-safe. */
@FunctionalInterface
public interface Finder {
    /** Tells every stretch of the text, in order and without gaps: those found, and those between. Empty ones may be told. */
    void find(String text, Sink sink);

    /** Is told of stretches. */
    @FunctionalInterface
    interface Sink {
        /** From {@code start} to {@code end}, exclusive; whether it is a match. */
        void stretch(int start, int end, boolean match);
    }

    /** Finds each code point of a kind. */
    static Finder each(IntPredicate kind) {
        return (text, sink) -> {
            int done = 0;
            for (int at = 0; at < text.length(); ) {
                int c = text.codePointAt(at);
                int end = at + Character.charCount(c);
                if (kind.test(c)) {
                    sink.stretch(done, at, false);
                    sink.stretch(at, end, true);
                    done = end;
                }
                at = end;
            }
            sink.stretch(done, text.length(), false);
        };
    }

    /** Finds each place where a string, which is not empty, stands. */
    static Finder each(String wanted) {
        return (text, sink) -> {
            int done = 0;
            for (int at; (at = text.indexOf(wanted, done)) >= 0; ) {
                sink.stretch(done, at, false);
                done = at + wanted.length();
                sink.stretch(at, done, true);
            }
            sink.stretch(done, text.length(), false);
        };
    }

    /** What this does not find. */
    default Finder inverted() {
        return (text, sink) -> find(text, (start, end, match) -> sink.stretch(start, end, !match));
    }
}
