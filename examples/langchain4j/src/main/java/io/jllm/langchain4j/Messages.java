package io.jllm.langchain4j;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.Content;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.UnsupportedFeatureException;
import io.jllm.chat.Message;
import io.jllm.chat.Role;
import io.jllm.chat.ToolCall;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** LangChain4j's messages as the library's. */
final class Messages {
    private static final String NO_ARGUMENTS = "{}";

    private Messages() {
    }

    /** @throws UnsupportedFeatureException if one has something else than text */
    static List<Message> of(Iterable<ChatMessage> messages) {
        List<Message> all = new ArrayList<>();
        messages.forEach(m -> all.add(of(m)));
        return all;
    }

    static Message of(ChatMessage message) {
        return switch (message) {
            case SystemMessage system -> Message.system(system.text());
            case UserMessage user -> new Message(Role.USER, text("the user", user.contents()), Optional.empty(), List.of(), Optional.empty(),
                    Optional.ofNullable(user.name()));
            case AiMessage ai -> assistant(ai);
            case ToolExecutionResultMessage result -> new Message(Role.TOOL, text("tools", result.contents()),
                    Optional.empty(), List.of(), Optional.ofNullable(result.id()), Optional.ofNullable(result.toolName()));
            default -> throw new UnsupportedFeatureException("messages of the class " + message.getClass().getName()
                    + " are not supported: chat templates know those of system, user, assistant and tool only");
        };
    }

    private static Message assistant(AiMessage ai) {
        if (!ai.images().isEmpty()) {
            throw new UnsupportedFeatureException("images of the assistant are not supported: only text is read");
        }
        List<ToolCall> calls = new ArrayList<>();
        for (ToolExecutionRequest request : ai.toolExecutionRequests()) {
            String id = request.id() == null ? "call_" + calls.size() : request.id();
            boolean without = request.arguments() == null || request.arguments().isBlank();
            calls.add(new ToolCall(id, request.name(), without ? NO_ARGUMENTS : request.arguments()));
        }
        String text = ai.text() == null ? "" : ai.text();
        return new Message(Role.ASSISTANT, text, Optional.ofNullable(ai.thinking()), calls, Optional.empty(), Optional.empty());
    }

    /** Several texts are lines of one. */
    private static String text(String who, List<Content> contents) {
        List<String> texts = new ArrayList<>();
        for (Content content : contents) {
            if (!(content instanceof TextContent text)) {
                throw new UnsupportedFeatureException("non-text content of " + who + " is not supported, such as "
                        + content.type().name().toLowerCase(Locale.ROOT) + ": only text is read");
            }
            texts.add(text.text());
        }
        return String.join("\n", texts);
    }
}
