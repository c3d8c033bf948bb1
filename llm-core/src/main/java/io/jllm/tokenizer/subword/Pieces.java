package io.jllm.tokenizer.subword;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** The bytes that a token stands for, from the way it is written in the vocabulary. */
public final class Pieces {
    /** Stands for a space in vocabularies in the style of SentencePiece. */
    public static final char SPACE = '\u2581';

    /** What each character of the byte-level alphabet stands for, or -1. */
    private static final short[] ALPHABET = alphabet();
    /** The character of each byte. */
    private static final char[] WRITTEN = writtenBytes();

    private Pieces() {
    }

    /**
     * Of the byte-level kind: each character is a byte. One with a character outside the alphabet is not written that way and
     * stands for itself, as Hugging Face has it.
     */
    public static byte[] byteLevel(String token) {
        byte[] bytes = new byte[token.length()];
        for (int i = 0; i < bytes.length; i++) {
            char c = token.charAt(i);
            if (c >= ALPHABET.length || ALPHABET[c] < 0) {
                return plain(token);
            }
            bytes[i] = (byte) ALPHABET[c];
        }
        return bytes;
    }

    /** How a byte is written in the byte-level alphabet. */
    public static char byteLevel(byte b) {
        return WRITTEN[b & 0xFF];
    }

    /** A text in the byte-level alphabet: a character for each byte of its UTF-8. */
    public static String written(String text) {
        return written(plain(text));
    }

    /** Bytes in the byte-level alphabet. */
    public static String written(byte[] bytes) {
        char[] chars = new char[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            chars[i] = WRITTEN[bytes[i] & 0xFF];
        }
        return new String(chars);
    }

    /** In the style of SentencePiece: U+2581 is a space. */
    public static byte[] sentencePiece(String token) {
        return plain(token.replace(SPACE, ' '));
    }

    /** A token that stands for itself. */
    public static byte[] plain(String token) {
        return token.getBytes(StandardCharsets.UTF_8);
    }

    /** Whether the token is written {@code <0xNN>}, a byte in vocabularies in the style of SentencePiece. */
    public static boolean isByte(String token) {
        return token.length() == 6 && token.startsWith("<0x") && token.charAt(5) == '>'
                && Character.digit(token.charAt(3), 16) >= 0 && Character.digit(token.charAt(4), 16) >= 0;
    }

    /** The byte that {@code <0xNN>} stands for. */
    public static byte[] byteOf(String token) {
        return new byte[] {(byte) Integer.parseInt(token.substring(3, 5), 16)};
    }

    /**
     * GPT-2's alphabet ({@code bytes_to_unicode} of its release): visible Latin-1 characters are their own byte, and the
     * other bytes, in order, are the characters from U+0100 on.
     */
    private static short[] alphabet() {
        short[] table = new short[0x100 + 68];
        Arrays.fill(table, (short) -1);
        int next = 0x100;
        for (int b = 0; b < 256; b++) {
            boolean visible = b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xAC || b >= 0xAE;
            table[visible ? b : next++] = (short) b;
        }
        return table;
    }

    private static char[] writtenBytes() {
        char[] chars = new char[256];
        for (char c = 0; c < ALPHABET.length; c++) {
            if (ALPHABET[c] >= 0) {
                chars[ALPHABET[c]] = c;
            }
        }
        return chars;
    }
}
