package io.jllm.tokenizer.subword;

import io.jllm.tokenizer.split.Splitting;
import java.util.function.Consumer;
import java.util.function.IntConsumer;

/** Plain text to ids: it is cut into pieces, and the model encodes each. Thread-safe. */
public record Encoder(Splitting splitting, Model model) {
    /** What makes ids of pieces. Thread-safe. */
    @FunctionalInterface
    public interface Model {
        /** Takes pieces, without unpaired surrogates, one after the other, and tells the ids of each. For one thread. */
        Consumer<String> encoder(IntConsumer ids);
    }

    /**
     * Tells the ids of a text, none of them special.
     *
     * @param text normalized, without unpaired surrogates
     * @param first whether the whole text begins with it
     */
    void encode(String text, boolean first, IntConsumer ids) {
        splitting.split(text, first, model.encoder(ids));
    }

    /** Unpaired surrogates have no UTF-8 form: each becomes U+FFFD. */
    static String withoutLoneSurrogates(String text) {
        StringBuilder mended = null;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (Character.isHighSurrogate(c) && i + 1 < text.length() && Character.isLowSurrogate(text.charAt(i + 1))) {
                i++;
            } else if (Character.isSurrogate(c)) {
                mended = mended == null ? new StringBuilder(text) : mended;
                mended.setCharAt(i, '\uFFFD');
            }
        }
        return mended == null ? text : mended.toString();
    }
}
