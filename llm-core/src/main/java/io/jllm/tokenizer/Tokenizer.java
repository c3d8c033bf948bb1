package io.jllm.tokenizer;

import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Text to token ids and back. Ids are those of the model's embedding table. Thread-safe; after {@link #close} encoding is an
 * {@link IllegalStateException}, and all else goes on working.
 *
 * <p>Ids become text in two ways, which differ for vocabularies that put a space before every text they encode (SentencePiece
 * style). {@link #decode} takes the ids of a whole text and removes that one space. {@link #decodeContinuation} and
 * {@link #detokenizer} take ids that go on after others, as generated ones do after a prompt, and remove nothing. So for ids
 * {@code p} that give some text and end with a complete code point, and any {@code c},
 * {@code decode(p + c)} is {@code decode(p) + decodeContinuation(c)}.
 */
public interface Tokenizer extends AutoCloseable {
    /**
     * The ids of a text.
     *
     * @param text any text, of any length; an unpaired surrogate is taken as U+FFFD
     * @param addBos whether the beginning-of-sequence token (and whatever else the model's template adds) goes around it, if
     *        the model wants one: see {@link #addsBos}
     * @param parseSpecial whether special tokens written out in the text become their ids; false treats them as plain text
     */
    int[] encode(String text, boolean addBos, boolean parseSpecial);

    /** The ids of a prompt: with what the model wants at its head, and with special tokens parsed. */
    default int[] encode(String text) {
        return encode(text, true, true);
    }

    /**
     * The ids of a text that is made of pieces. Special tokens become their ids where all their characters are in pieces that may hold them. Else
     * they are plain text, and so are other tokens in brackets that a vocabulary has ({@code <think>}, {@code <tool_call>}). What lies between
     * special tokens is encoded as one text, across the borders of pieces, if the vocabulary merges across them: this method, as long as it is
     * not overridden, encodes each run of pieces of one kind by itself.
     *
     * @param addBos as for {@link #encode(String, boolean, boolean)}
     */
    default int[] encode(List<TextPiece> pieces, boolean addBos) {
        if (pieces.stream().map(TextPiece::special).distinct().count() < 2) {
            boolean special = pieces.stream().allMatch(TextPiece::special);
            return encode(String.join("", pieces.stream().map(TextPiece::text).toList()), addBos, special);
        }
        IntStream.Builder ids = IntStream.builder();
        IntStream.of(encode("", addBos, true)).forEach(ids);
        for (int from = 0, to; from < pieces.size(); from = to) {
            boolean special = pieces.get(from).special();
            StringBuilder run = new StringBuilder();
            for (to = from; to < pieces.size() && pieces.get(to).special() == special; to++) {
                run.append(pieces.get(to).text());
            }
            IntStream.of(encode(run.toString(), false, special)).forEach(ids);
        }
        return ids.build().toArray();
    }

    /**
     * The text of a whole sequence of ids. Special tokens are left out, as are ids past the end of the vocabulary (rows that
     * pad a model's embedding), and broken UTF-8 becomes U+FFFD.
     *
     * @throws IllegalArgumentException if an id is negative
     */
    String decode(int[] ids);

    /** The text of ids that go on after others: as {@link #decode}, but a leading space stays. */
    default String decodeContinuation(int[] ids) {
        StreamingDetokenizer detokenizer = detokenizer();
        StringBuilder text = new StringBuilder();
        for (int id : ids) {
            text.append(detokenizer.push(id));
        }
        return text.append(detokenizer.finish()).toString();
    }

    /** A decoder for ids as they come, which go on after others: {@link #decodeContinuation} in pieces. */
    StreamingDetokenizer detokenizer();

    /**
     * How the token is written in the vocabulary; for people and tables, not for building text. An id past the end of the
     * vocabulary is written {@code [PAD<id>]}.
     *
     * @throws IllegalArgumentException if the id is negative
     */
    String token(int id);

    /**
     * The bytes of text that the token stands for, which need not be whole characters: those that generated tokens add to a text. None for
     * special tokens and ids past the end of the vocabulary.
     *
     * @return the caller's own
     * @throws IllegalArgumentException if the id is negative
     */
    byte[] bytes(int id);

    /**
     * Whether the token stands for something other than text: beginning or end of a sequence, a role, padding. So do ids past
     * the end of the vocabulary.
     *
     * @throws IllegalArgumentException if the id is negative
     */
    boolean isSpecial(int id);

    /** Number of entries: one more than the highest id. */
    int vocabSize();

    /** The beginning-of-sequence token, if the vocabulary has one. */
    OptionalInt bos();

    /** Whether {@link #encode} puts it (by default) before a prompt. */
    boolean addsBos();

    /** Tokens that end a generation; may be empty, not to be changed. */
    Set<Integer> eos();

    /** Ends encoding: calls from then on are refused. Idempotent. */
    @Override
    void close();
}
