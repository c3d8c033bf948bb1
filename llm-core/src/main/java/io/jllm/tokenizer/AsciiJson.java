package io.jllm.tokenizer;

import java.io.ByteArrayOutputStream;
import java.io.Writer;
import java.nio.charset.StandardCharsets;

/** Collects JSON, in ASCII: a Java string of it takes a byte for a character, and a vocabulary makes many megabytes. */
final class AsciiJson extends Writer {
    private static final int FIRST_SIZE = 1 << 20;

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream(FIRST_SIZE);

    /** Outside of strings JSON is ASCII anyway. */
    @Override
    public void write(char[] text, int from, int count) {
        for (int i = from; i < from + count; i++) {
            char c = text[i];
            if (c < 0x80) {
                bytes.write(c);
            } else {
                bytes.writeBytes("\\u%04x".formatted((int) c).getBytes(StandardCharsets.US_ASCII));
            }
        }
    }

    @Override
    public void flush() {
        // nothing waits
    }

    @Override
    public void close() {
        // memory
    }

    /** What was written. */
    byte[] toBytes() {
        return bytes.toByteArray();
    }
}
