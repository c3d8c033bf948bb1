package io.jllm.tokenizer.subword;

import java.util.List;

/** A part of a text to encode. */
public sealed interface Segment {
    /** Ready for the model, never empty; whether the whole text begins with it. */
    record Text(String text, boolean first) implements Segment {
    }

    /** A token that was written out in the text. */
    record Token(int id) implements Segment {
    }

    /** Cuts a text at the tokens written out in it. Thread-safe. */
    interface Splitter {
        /**
         * The parts, in order.
         *
         * @param parseSpecial whether special tokens are looked for; others that the vocabulary wants found always are
         */
        List<Segment> split(String text, boolean parseSpecial);
    }
}
