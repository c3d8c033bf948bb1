package io.jllm;

import io.jllm.chat.ChatOptions;
import io.jllm.chat.Message;
import java.util.Arrays;
import java.util.List;

/** What to continue. */
public sealed interface Prompt {
    /**
     * Plain text. It is encoded as the model wants it: with its beginning-of-sequence token, and with special tokens that
     * are written out in the text parsed.
     */
    record Text(String text) implements Prompt {
    }

    /** Token ids as they are; nothing is added. The array must not be changed. */
    record Tokens(int[] ids) implements Prompt {
        @Override
        public boolean equals(Object o) {
            return o instanceof Tokens t && Arrays.equals(ids, t.ids);
        }

        @Override
        public int hashCode() {
            return Arrays.hashCode(ids);
        }

        @Override
        public String toString() {
            return "Tokens" + Arrays.toString(ids);
        }
    }

    /**
     * A conversation, which the model's chat template makes a prompt of. Nothing in a message becomes a special token.
     *
     * @param messages what was said, oldest first
     * @param options tools, template and its variables
     */
    record Chat(List<Message> messages, ChatOptions options) implements Prompt {
        /** Copies the list. */
        public Chat {
            messages = List.copyOf(messages);
        }
    }

    /** A conversation, without tools. */
    static Prompt chat(Message... messages) {
        return new Chat(List.of(messages), ChatOptions.defaults());
    }

    /** A conversation. */
    static Prompt chat(List<Message> messages, ChatOptions options) {
        return new Chat(messages, options);
    }

    /** A text. */
    static Prompt of(String text) {
        return new Text(text);
    }

    /** Token ids. */
    static Prompt ofTokens(int... ids) {
        return new Tokens(ids);
    }

    /** Several texts. */
    static List<Prompt> all(String... texts) {
        return Arrays.stream(texts).map(Prompt::of).toList();
    }
}
