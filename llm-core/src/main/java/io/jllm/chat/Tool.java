package io.jllm.chat;

import java.util.Objects;

/**
 * A function that a model may ask to call.
 *
 * @param name letters, digits, {@code _} and {@code -}
 * @param description what it does and when to use it, for the model; may be empty
 * @param parameters a JSON schema of its arguments as JSON text: of type {@code object}
 */
public record Tool(String name, String description, String parameters) {
    public Tool {
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(description, "description");
        Objects.requireNonNull(parameters, "parameters");
    }
}
