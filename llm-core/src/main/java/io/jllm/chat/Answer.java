package io.jllm.chat;

import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * What a model answered, taken apart.
 *
 * @param content text for the user; may be empty
 * @param reasoning what it thought before
 * @param toolCalls the calls that it asks for, in their order. Their arguments are JSON objects where the model kept to its format; where it did
 *        not they are what it wrote, which may be no JSON
 * @param unfinished a call in the midst of which the answer ended: its arguments are the first part of a JSON text
 */
public record Answer(String content, Optional<String> reasoning, List<ToolCall> toolCalls, Optional<ToolCall> unfinished) {
    public Answer {
        Objects.requireNonNull(content, "content");
        Objects.requireNonNull(reasoning, "reasoning");
        toolCalls = List.copyOf(toolCalls);
        Objects.requireNonNull(unfinished, "unfinished");
    }

    /** The message of the assistant that continues the conversation; without an unfinished call, as no tool can answer it. */
    public Message toMessage() {
        return new Message(Role.ASSISTANT, content, reasoning, toolCalls, Optional.empty(), Optional.empty());
    }
}
