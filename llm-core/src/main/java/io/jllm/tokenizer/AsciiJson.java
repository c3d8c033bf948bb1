package io.jllm.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Writes JSON, in ASCII: a Java string of it takes a byte for a character, and a vocabulary makes many megabytes. Commas are put where
 * they belong. It is written with little code, for it runs once, before any of it is compiled.
 */
final class AsciiJson {
    /** Most bytes that a character becomes. */
    private static final int ESCAPED = 6;
    private static final byte[] DIGITS = "0123456789abcdef".getBytes(StandardCharsets.US_ASCII);

    private byte[] bytes;
    private int size;
    /** Whether a value, or an end, is the last thing written. */
    private boolean follows;

    /** @param expected how many characters there will be, about */
    AsciiJson(int expected) {
        bytes = new byte[expected];
    }

    AsciiJson beginObject() {
        return begin('{');
    }

    AsciiJson endObject() {
        return end('}');
    }

    AsciiJson beginArray() {
        return begin('[');
    }

    AsciiJson endArray() {
        return end(']');
    }

    private AsciiJson begin(char bracket) {
        separate(1);
        bytes[size++] = (byte) bracket;
        follows = false;
        return this;
    }

    private AsciiJson end(char bracket) {
        reserve(1);
        bytes[size++] = (byte) bracket;
        follows = true;
        return this;
    }

    /** The name of the value that comes next. */
    AsciiJson name(String name) {
        value(name);
        reserve(1);
        bytes[size++] = ':';
        follows = false;
        return this;
    }

    AsciiJson value(String text) {
        separate(2 + ESCAPED * text.length());
        bytes[size++] = '"';
        escape(text);
        return endText();
    }

    /** A string of two and a space between them. */
    AsciiJson value(String left, String right) {
        separate(3 + ESCAPED * (left.length() + right.length()));
        bytes[size++] = '"';
        escape(left);
        bytes[size++] = ' ';
        escape(right);
        return endText();
    }

    private AsciiJson endText() {
        bytes[size++] = '"';
        follows = true;
        return this;
    }

    private void escape(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c >= ' ' && c < 0x7f && c != '"' && c != '\\') {
                bytes[size++] = (byte) c;
            } else {
                bytes[size++] = '\\';
                bytes[size++] = 'u';
                for (int shift = 12; shift >= 0; shift -= 4) {
                    bytes[size++] = DIGITS[c >> shift & 15];
                }
            }
        }
    }

    /** A number that is not negative. */
    AsciiJson value(int number) {
        int digits = 1;
        for (int rest = number / 10; rest > 0; rest /= 10) {
            digits++;
        }
        separate(digits);
        size += digits;
        for (int i = 1, rest = number; i <= digits; i++, rest /= 10) {
            bytes[size - i] = (byte) ('0' + rest % 10);
        }
        follows = true;
        return this;
    }

    AsciiJson value(boolean flag) {
        return word(flag ? "true" : "false");
    }

    AsciiJson nullValue() {
        return word("null");
    }

    private AsciiJson word(String word) {
        separate(word.length());
        for (int i = 0; i < word.length(); i++) {
            bytes[size++] = (byte) word.charAt(i);
        }
        follows = true;
        return this;
    }

    /** Puts a comma if need be, and makes room for so many bytes. */
    private void separate(int room) {
        reserve(room + 1);
        if (follows) {
            bytes[size++] = ',';
        }
    }

    private void reserve(int room) {
        if (bytes.length - size < room) {
            bytes = Arrays.copyOf(bytes, Math.max(Math.addExact(size, room), bytes.length + bytes.length / 2));
        }
    }

    /** What was written, as a string, in ASCII. */
    @Override
    public String toString() {
        return new String(bytes, 0, size, StandardCharsets.ISO_8859_1);
    }
}
