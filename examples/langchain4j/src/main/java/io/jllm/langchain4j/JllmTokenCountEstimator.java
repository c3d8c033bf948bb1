package io.jllm.langchain4j;

import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.model.TokenCountEstimator;
import io.jllm.LLM;
import io.jllm.chat.ChatOptions;
import io.jllm.chat.Message;
import io.jllm.chat.ToolCall;
import java.util.List;
import java.util.Objects;
import java.util.OptionalInt;

/**
 * Counts tokens as a model of this JVM does. Texts are exact. So are conversations that its chat template takes, without what it writes to begin an
 * answer; others, such as the later part of one, are the sum of their messages. A message is its texts and what the template writes around one.
 * Safe for all threads.
 */
public final class JllmTokenCountEstimator implements TokenCountEstimator {
    private static final List<Message> TURN = List.of(Message.user("a"), Message.assistant("a"));
    private static final List<Message> TWO_TURNS = List.of(TURN.get(0), TURN.get(1), TURN.get(0), TURN.get(1));

    private final LLM llm;
    private final ChatOptions options;
    private final int around;

    /** Of a model's own chat template. */
    public JllmTokenCountEstimator(LLM llm) {
        this(llm, ChatOptions.defaults());
    }

    /** Of another chat template, or of tools that are told to the model in every prompt. */
    public JllmTokenCountEstimator(LLM llm, ChatOptions options) {
        this.llm = Objects.requireNonNull(llm, "llm");
        this.options = options.toBuilder().addGenerationPrompt(false).build();
        OptionalInt one = rendered(TURN);
        OptionalInt two = rendered(TWO_TURNS);
        int text = estimateTokenCountInText("a");
        around = one.isPresent() && two.isPresent() ? Math.max(0, (two.getAsInt() - one.getAsInt()) / 2 - text) : 0;
    }

    @Override
    public int estimateTokenCountInText(String text) {
        return llm.tokenizer().encode(text, false, false).length;
    }

    @Override
    public int estimateTokenCountInMessage(ChatMessage message) {
        return count(Messages.of(message));
    }

    private int count(Message message) {
        int tokens = around + estimateTokenCountInText(message.content()) + message.reasoning().map(this::estimateTokenCountInText).orElse(0);
        for (ToolCall call : message.toolCalls()) {
            tokens += around + estimateTokenCountInText(call.name()) + estimateTokenCountInText(call.arguments());
        }
        return tokens;
    }

    @Override
    public int estimateTokenCountInMessages(Iterable<ChatMessage> messages) {
        List<Message> all = Messages.of(messages);
        return rendered(all).orElseGet(() -> all.stream().mapToInt(this::count).sum());
    }

    private OptionalInt rendered(List<Message> messages) {
        if (messages.isEmpty()) {
            return OptionalInt.of(0);
        }
        try {
            return OptionalInt.of(llm.tokenizer().encode(llm.chatTemplate().render(messages, options).pieces(), false).length);
        } catch (IllegalArgumentException _) { // no template, or it takes no such conversation
            return OptionalInt.empty();
        }
    }
}
