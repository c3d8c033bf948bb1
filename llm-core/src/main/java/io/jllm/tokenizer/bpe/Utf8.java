package io.jllm.tokenizer.bpe;

import java.nio.charset.StandardCharsets;

/** Bytes of characters. */
final class Utf8 {
    private Utf8() {
    }

    static byte[] bytes(int codePoint) {
        return codePoint < 0x80 ? new byte[] {(byte) codePoint} : Character.toString(codePoint).getBytes(StandardCharsets.UTF_8);
    }
}
