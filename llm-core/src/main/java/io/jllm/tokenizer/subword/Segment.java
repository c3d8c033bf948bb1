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
         * @param trust where special tokens are looked for; others that the vocabulary wants found are found everywhere, but for those that
         *     {@linkplain AddedToken#steers steer} in a text of pieces
         */
        List<Segment> split(String text, Trust trust);
    }
}
