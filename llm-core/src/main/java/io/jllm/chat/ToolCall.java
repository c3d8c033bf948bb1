package io.jllm.chat;

import java.util.Objects;

/**
 * A call of a tool, as a model asks for it.
 *
 * @param id by which the tool's answer refers to it; unique in a conversation
 * @param name the tool's name
 * @param arguments the arguments as JSON text: an object, by the tool's parameters
 */
public record ToolCall(String id, String name, String arguments) {
    public ToolCall {
        Objects.requireNonNull(id, "id");
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(arguments, "arguments");
    }
}
