package io.jllm.tokenizer;

/**
 * Turns ids into text as they come. The pieces that {@link #push} gives, and {@link #finish} after them, are together exactly
 * {@link Tokenizer#decodeContinuation} of the ids, however they are cut into calls; no piece ends inside a code point. Belongs
 * to one sequence and one thread.
 */
public interface StreamingDetokenizer {
    /**
     * The text that is certain after this token; empty for a special token, and while a code point is incomplete.
     *
     * @param id a token; ids past the end of the vocabulary (rows that pad a model's embedding) give no text
     * @throws IllegalArgumentException if the id is negative
     */
    String push(int id);

    /** What was held back, at the end: an incomplete code point becomes U+FFFD. The detokenizer can be used anew after it. */
    String finish();

    /** A detokenizer in the same state, for a sequence that branches off. */
    StreamingDetokenizer fork();
}
