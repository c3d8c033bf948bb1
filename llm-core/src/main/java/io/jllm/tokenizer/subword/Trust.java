package io.jllm.tokenizer.subword;

import io.jllm.tokenizer.TextPiece;
import java.util.BitSet;
import java.util.List;

/** Which characters of a text may be part of special tokens. Immutable. */
public final class Trust {
    /** All, as in a prompt that the application has written. */
    public static final Trust ALL = new Trust(new BitSet(), false);
    /** None: special tokens are plain text, and other added tokens are found as ever. */
    public static final Trust NONE = new Trust(new BitSet(), false);

    private final BitSet data;
    private final boolean mixed;

    private Trust(BitSet data, boolean mixed) {
        this.data = data;
        this.mixed = mixed;
    }

    /** Of a text made of pieces. */
    public static Trust of(List<TextPiece> pieces) {
        BitSet data = new BitSet();
        int at = 0;
        for (TextPiece piece : pieces) {
            if (!piece.special()) {
                data.set(at, at + piece.text().length());
            }
            at += piece.text().length();
        }
        return new Trust(data, true);
    }

    /** Whether a token may be found from one place to another. */
    public boolean allows(AddedToken token, int from, int to) {
        if (!mixed) {
            return this == ALL || !token.special();
        }
        int first = data.nextSetBit(from);
        return first < 0 || first >= to || !token.special() && !token.steers();
    }

    /** Whether the text has pieces, so that another token may be found where one is not allowed. */
    public boolean isMixed() {
        return mixed;
    }

    /** That of a part of the text. */
    public Trust part(int from, int to) {
        return mixed ? new Trust(data.get(from, to), true) : this;
    }

    /** That of the same text with more characters before it, which are of its first character's kind. */
    public Trust shifted(int more) {
        if (!mixed || more == 0) {
            return this;
        }
        BitSet moved = new BitSet();
        for (int i = data.nextSetBit(0); i >= 0; i = data.nextSetBit(i + 1)) {
            moved.set(i + more);
        }
        moved.set(0, more, data.get(0));
        return new Trust(moved, true);
    }

    /** That of a text of which no character is trusted, of so many characters. */
    public static Trust data(int length) {
        BitSet data = new BitSet();
        data.set(0, length);
        return new Trust(data, true);
    }

    /** Where the next character stands that is not of the kind of the one here; {@code end} if there is none before. */
    public int runEnd(int from, int end) {
        int next = data.get(from) ? data.nextClearBit(from) : data.nextSetBit(from);
        return next < 0 ? end : Math.min(next, end);
    }

    /** Whether a character may be part of special tokens, in a text of pieces. */
    public boolean isTrusted(int at) {
        return !data.get(at);
    }
}
