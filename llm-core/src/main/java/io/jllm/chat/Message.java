package io.jllm.chat;

import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * A message of a conversation.
 *
 * @param role who says it
 * @param content its text, exactly as it is said; may be empty
 * @param reasoning what the model thought before it, apart from the text; of an assistant only
 * @param toolCalls the calls that it asks for; of an assistant only
 * @param toolCallId the {@link ToolCall#id} that it answers; of a tool only
 * @param name the tool's name for a tool, else the name of who speaks; where there is one
 */
public record Message(Role role, String content, Optional<String> reasoning, List<ToolCall> toolCalls, Optional<String> toolCallId,
                      Optional<String> name) {
    /**
     * @throws IllegalArgumentException if a role has what it cannot have
     */
    public Message {
        Objects.requireNonNull(role, "role");
        Objects.requireNonNull(content, "content");
        toolCalls = List.copyOf(toolCalls);
        if (role != Role.ASSISTANT && (reasoning.isPresent() || !toolCalls.isEmpty())) {
            throw new IllegalArgumentException("reasoning and tool calls belong to messages of the assistant, not to one of role "
                    + role.templateName());
        }
        if (role != Role.TOOL && toolCallId.isPresent()) {
            throw new IllegalArgumentException("toolCallId " + toolCallId.get() + " belongs to messages of tools, not to one of role "
                    + role.templateName());
        }
    }

    private static Message of(Role role, String content) {
        return new Message(role, content, Optional.empty(), List.of(), Optional.empty(), Optional.empty());
    }

    /** Instructions of the application. */
    public static Message system(String content) {
        return of(Role.SYSTEM, content);
    }

    /** Instructions of the application, as newer models name them. */
    public static Message developer(String content) {
        return of(Role.DEVELOPER, content);
    }

    /** What the user says. */
    public static Message user(String content) {
        return of(Role.USER, content);
    }

    /** What the model said. */
    public static Message assistant(String content) {
        return of(Role.ASSISTANT, content);
    }

    /** What the model said, with the calls that it asked for. */
    public static Message assistant(String content, List<ToolCall> toolCalls) {
        return new Message(Role.ASSISTANT, content, Optional.empty(), toolCalls, Optional.empty(), Optional.empty());
    }

    /** What a call gave. */
    public static Message tool(ToolCall call, String content) {
        return new Message(Role.TOOL, content, Optional.empty(), List.of(), Optional.of(call.id()), Optional.of(call.name()));
    }

    /** The same with what the model thought before it. */
    public Message withReasoning(String text) {
        return new Message(role, content, Optional.of(text), toolCalls, toolCallId, name);
    }
}
