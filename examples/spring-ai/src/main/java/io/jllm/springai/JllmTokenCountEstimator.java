package io.jllm.springai;

import io.jllm.tokenizer.Tokenizer;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.springframework.ai.content.MediaContent;
import org.springframework.ai.tokenizer.TokenCountEstimator;

/**
 * Counts tokens by the model's own tokenizer, without what its chat template writes around messages: for splitters of documents and for batches of
 * texts.
 *
 * @param tokenizer the model's
 */
public record JllmTokenCountEstimator(Tokenizer tokenizer) implements TokenCountEstimator {
    public JllmTokenCountEstimator {
        Objects.requireNonNull(tokenizer, "tokenizer");
    }

    /** The tokens of a text; none of null. */
    @Override
    public int estimate(@Nullable String text) {
        return text == null ? 0 : tokenizer.encode(text, false, false).length;
    }

    /** @throws IllegalArgumentException if there is more than text */
    @Override
    public int estimate(MediaContent content) {
        if (!content.getMedia().isEmpty()) {
            throw new IllegalArgumentException("media of type " + content.getMedia().getFirst().getMimeType() + " have no tokens here: only text is read");
        }
        return estimate(content.getText());
    }

    @Override
    public int estimate(Iterable<MediaContent> contents) {
        int tokens = 0;
        for (MediaContent content : contents) {
            tokens += estimate(content);
        }
        return tokens;
    }
}
