package io.jllm.tokenizer;

import java.util.OptionalInt;
import java.util.Set;

/**
 * Text to token ids and back. Thread-safe. Ids are those of the model's embedding table.
 */
public interface Tokenizer extends AutoCloseable {
    /**
     * The ids of a text.
     *
     * @param text any text
     * @param addBos whether the beginning-of-sequence token (and whatever else the model's template adds) goes around it, if
     *        the model wants one: see {@link #addsBos}
     * @param parseSpecial whether special tokens written out in the text become their ids; false treats them as plain text
     */
    int[] encode(String text, boolean addBos, boolean parseSpecial);

    /** The ids of a prompt: with what the model wants at its head, and with special tokens parsed. */
    default int[] encode(String text) {
        return encode(text, true, true);
    }

    /** The text of a whole sequence of ids; special tokens are left out, and broken UTF-8 becomes U+FFFD. */
    String decode(int[] ids);

    /** A decoder for one sequence of ids as they come, that never splits a code point. */
    StreamingDetokenizer detokenizer();

    /** How the token is written in the vocabulary; for people and tables, not for building text. */
    String token(int id);

    /** Whether the token stands for something other than text: beginning or end of a sequence, a role, padding. */
    boolean isSpecial(int id);

    /** Number of entries. */
    int vocabSize();

    /** The beginning-of-sequence token, if the vocabulary has one. */
    OptionalInt bos();

    /** Whether {@link #encode} puts it (by default) before a prompt. */
    boolean addsBos();

    /** Tokens that end a generation. */
    Set<Integer> eos();

    @Override
    void close();
}
