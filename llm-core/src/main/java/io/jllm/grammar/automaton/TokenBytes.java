package io.jllm.grammar.automaton;

/**
 * Special tokens as bytes, so that automata over bytes can ask for them: 0xFF, which is no byte of UTF-8, and the id, most significant byte
 * first.
 */
public final class TokenBytes {
    static final int LENGTH = 5;

    private TokenBytes() {
    }

    public static byte[] of(int id) {
        return new byte[] {(byte) 0xFF, (byte) (id >> 24), (byte) (id >> 16), (byte) (id >> 8), (byte) id};
    }
}
