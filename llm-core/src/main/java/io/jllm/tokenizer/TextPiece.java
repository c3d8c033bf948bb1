package io.jllm.tokenizer;

import java.util.Objects;

/**
 * A part of a text to encode.
 *
 * @param text the part; may be empty
 * @param special whether special tokens written out in it become their ids. It is false for what users, tools and models say: that stays plain
 *     text, whatever it spells
 */
public record TextPiece(String text, boolean special) {
    public TextPiece {
        Objects.requireNonNull(text, "text");
    }
}
