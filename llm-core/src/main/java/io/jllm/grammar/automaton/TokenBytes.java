package io.jllm.grammar.automaton;

/**
 * Special tokens as bytes, so that automata over bytes can ask for them: 0xFF, which is no byte of UTF-8, and the id, most significant byte
 * first.
 */
public final class TokenBytes {
    static final int LENGTH = 5;
    private static final byte MARK = (byte) 0xFF;
    private static final byte[] NO_TOKEN = {MARK, MARK};

    private TokenBytes() {
    }

    public static byte[] of(int id) {
        return new byte[] {MARK, (byte) (id >> 24), (byte) (id >> 16), (byte) (id >> 8), (byte) id};
    }

    /** What no automaton goes on with: ids are not that high. */
    public static byte[] none() {
        return NO_TOKEN.clone();
    }

    /** Whether bytes of a text cannot be taken for those of a special token. Vocabularies have tokens for single bytes, 0xFF among them. */
    public static boolean isText(byte[] bytes) {
        for (byte b : bytes) {
            if (b == MARK) {
                return false;
            }
        }
        return true;
    }
}
