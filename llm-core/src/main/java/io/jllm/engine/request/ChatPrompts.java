package io.jllm.engine.request;

import io.jllm.Prompt;
import io.jllm.chat.ChatPrompt;
import io.jllm.chat.Message;
import io.jllm.load.LoadedModel;
import io.jllm.tokenizer.Tokenizer;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/** Makes tokens of conversations that fit the context. Safe for all threads. */
public final class ChatPrompts {
    /** What part of the context is kept free for an answer whose length nothing limits, where turns are left out to make room. */
    private static final int ANSWER_PART = 8;

    private final LoadedModel model;
    private final int maxContext;
    private final ToolBounds bounds = new ToolBounds();

    /** @param maxContext most positions of a sequence */
    public ChatPrompts(LoadedModel model, int maxContext) {
        this.model = model;
        this.maxContext = maxContext;
    }

    /**
     * A conversation, encoded.
     *
     * @param ids its tokens
     * @param prompt its text
     */
    public record Encoded(int[] ids, ChatPrompt prompt) {
    }

    /** The constraints of the model's conversations. */
    ToolBounds bounds() {
        return bounds;
    }

    /**
     * Renders and encodes, without the oldest turns where the options allow it and there is no room for the answer.
     *
     * @param maxTokens most tokens of the answer, if it is limited
     * @throws io.jllm.chat.ChatTemplateException if there is no template, or it refuses the conversation
     * @throws IllegalArgumentException if the model has no tokenizer
     */
    public Encoded encode(Prompt.Chat chat, OptionalInt maxTokens) {
        Tokenizer tokenizer = model.tokenizer().orElseThrow(() -> new IllegalArgumentException(
                "the model came without a tokenizer, so it cannot read a conversation"));
        int room = maxContext - Math.min(maxTokens.orElse(maxContext / ANSWER_PART), maxContext - 1);
        List<Message> messages = chat.messages();
        while (true) {
            ChatPrompt prompt = model.chatTemplate().render(messages, chat.options());
            int[] ids = tokenizer.encode(prompt.pieces(), false);
            Optional<List<Message>> shorter = ids.length <= room ? Optional.empty() : chat.options().contextOverflow().shorter(messages);
            if (shorter.isEmpty()) {
                return new Encoded(ids, prompt);
            }
            messages = shorter.get();
        }
    }
}
