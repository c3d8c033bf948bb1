package io.jllm.load;

import io.jllm.embedding.Pooling;
import io.jllm.chat.ChatTemplate;
import io.jllm.tokenizer.Tokenizer;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * What a model's files say of text.
 *
 * @param tokenizer how it becomes tokens; may come later
 * @param chatTemplate how a conversation becomes text; may come later
 * @param pooling how a text becomes a vector; read when asked for
 */
record TextParts(Background<Optional<Tokenizer>> tokenizer, Background<ChatTemplate> chatTemplate,
                 Supplier<Optional<Pooling>> pooling) {
    /** A tokenizer, and nothing else. */
    static TextParts of(Optional<Tokenizer> tokenizer) {
        return new TextParts(Background.done(tokenizer), Background.done(ChatTemplate.of(Map.of(), Map.of())),
                Optional::empty);
    }
}
