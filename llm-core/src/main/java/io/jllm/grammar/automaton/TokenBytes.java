package io.jllm.grammar.automaton;

/**
 * Special tokens as bytes, so that automata over bytes can ask for them: 0xFF, which is no byte of UTF-8, and the id, most significant byte
 * first.
 */
public final class TokenBytes {
    static final int LENGTH = 5;
    private static final byte MARK = (byte) 0xFF;

    private TokenBytes() {
    }

    public static byte[] of(int id) {
        return new byte[] {MARK, (byte) (id >> 24), (byte) (id >> 16), (byte) (id >> 8), (byte) id};
    }

    /** Whether bytes of a text token cannot be taken for a part of a special one: vocabularies have tokens of each single byte, 0xFF too. */
    public static boolean none(byte[] text) {
        for (byte b : text) {
            if (b == MARK) {
                return false;
            }
        }
        return true;
    }
}
