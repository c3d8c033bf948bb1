package io.jllm.tokenizer;

/**
 * Turns ids into text as they come. For every way of cutting a sequence, the pieces and {@link #finish} together are exactly
 * {@link Tokenizer#decode} of the whole. Belongs to one sequence and one thread.
 */
public interface StreamingDetokenizer {
    /** The text that is certain after this token; may be empty while a code point is incomplete. */
    String push(int id);

    /** What was held back, at the end: broken bytes become U+FFFD. */
    String finish();

    /** A detokenizer in the same state, for a sequence that branches off. */
    StreamingDetokenizer fork();
}
