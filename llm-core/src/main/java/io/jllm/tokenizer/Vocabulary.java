package io.jllm.tokenizer;

import java.util.BitSet;

/** The table of tokens: how each is written, which bytes it stands for, and whether it is special. Immutable. */
final class Vocabulary {
    private static final byte[] NOTHING = {};

    private final String[] texts;
    private final byte[][] bytes;
    private final BitSet special;

    private Vocabulary(String[] texts, byte[][] bytes, BitSet special) {
        this.texts = texts;
        this.bytes = bytes;
        this.special = special;
    }

    int size() {
        return texts.length;
    }

    String text(int id) {
        return check(id) < texts.length ? texts[id] : padding(id);
    }

    /** The bytes it stands for: none for a special token or an id past the end. Not to be changed. */
    byte[] bytes(int id) {
        return check(id) < bytes.length ? bytes[id] : NOTHING;
    }

    boolean isSpecial(int id) {
        return check(id) >= texts.length || special.get(id);
    }

    private static int check(int id) {
        if (id < 0) {
            throw new IllegalArgumentException("token id " + id + " is negative: ids begin at 0");
        }
        return id;
    }

    private static String padding(int id) {
        return "[PAD" + id + "]";
    }

    /** Of so many entries, which are special and nameless until they are set. */
    static final class Builder {
        private final String[] texts;
        private final byte[][] bytes;
        private final BitSet special = new BitSet();

        Builder(int size) {
            texts = new String[size];
            bytes = new byte[size][];
        }

        /** A token that stands for these bytes. */
        void text(int id, String text, byte[] standsFor) {
            texts[id] = text;
            bytes[id] = standsFor;
        }

        /** A token that stands for no text. */
        void special(int id, String text) {
            texts[id] = text;
            bytes[id] = NOTHING;
            special.set(id);
        }

        Vocabulary build() {
            for (int id = 0; id < texts.length; id++) {
                if (texts[id] == null) {
                    special(id, padding(id));
                }
            }
            return new Vocabulary(texts, bytes, special);
        }
    }
}
