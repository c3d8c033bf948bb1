package io.jllm.chat;

import io.jllm.tokenizer.TextPiece;
import java.util.List;
import java.util.stream.Collectors;

/**
 * What a chat template makes of a conversation.
 *
 * @param pieces the prompt in order: what the template wrote, in which special tokens count, and what is data, in which they are plain text. To be
 *     encoded by {@link io.jllm.tokenizer.Tokenizer#encode(List, boolean)} without a beginning-of-sequence token, which templates write themselves
 */
public record ChatPrompt(List<TextPiece> pieces) {
    public ChatPrompt {
        pieces = List.copyOf(pieces);
    }

    /** The whole prompt. */
    public String text() {
        return pieces.stream().map(TextPiece::text).collect(Collectors.joining());
    }
}
