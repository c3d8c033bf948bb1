package io.jllm.tokenizer.subword;

/**
 * UTF-8 to text, some bytes at a time. Every maximal part of a broken sequence becomes one U+FFFD, as the decoder of the WHATWG
 * Encoding Standard has it (and Rust, Python and so Hugging Face), however the bytes are cut.
 */
final class Utf8Decoder {
    private static final char REPLACEMENT = '\uFFFD';

    private int codePoint;
    private int missing;
    private int lower = 0x80;
    private int upper = 0xBF;

    Utf8Decoder() {
    }

    private Utf8Decoder(Utf8Decoder other) {
        codePoint = other.codePoint;
        missing = other.missing;
        lower = other.lower;
        upper = other.upper;
    }

    void feed(byte[] bytes, StringBuilder out) {
        for (byte b : bytes) {
            feed(b & 0xFF, out);
        }
    }

    private void feed(int b, StringBuilder out) {
        if (missing > 0) {
            if (b < lower || b > upper) {
                reset();
                out.append(REPLACEMENT);
                feed(b, out);
                return;
            }
            lower = 0x80;
            upper = 0xBF;
            codePoint = codePoint << 6 | b & 0x3F;
            if (--missing == 0) {
                out.appendCodePoint(codePoint);
            }
        } else if (b < 0x80) {
            out.append((char) b);
        } else if (b >= 0xC2 && b <= 0xDF) {
            begin(1, b & 0x1F);
        } else if (b >= 0xE0 && b <= 0xEF) {
            begin(2, b & 0x0F);
            lower = b == 0xE0 ? 0xA0 : 0x80; // no overlong forms
            upper = b == 0xED ? 0x9F : 0xBF; // no surrogates
        } else if (b >= 0xF0 && b <= 0xF4) {
            begin(3, b & 0x07);
            lower = b == 0xF0 ? 0x90 : 0x80;
            upper = b == 0xF4 ? 0x8F : 0xBF; // nothing above U+10FFFF
        } else {
            out.append(REPLACEMENT);
        }
    }

    private void begin(int following, int bits) {
        missing = following;
        codePoint = bits;
    }

    private void reset() {
        missing = 0;
        lower = 0x80;
        upper = 0xBF;
    }

    void finish(StringBuilder out) {
        if (missing > 0) {
            out.append(REPLACEMENT);
            reset();
        }
    }

    Utf8Decoder copy() {
        return new Utf8Decoder(this);
    }
}
