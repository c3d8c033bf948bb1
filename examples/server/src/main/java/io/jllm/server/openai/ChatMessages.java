package io.jllm.server.openai;

import io.jllm.chat.Message;
import io.jllm.chat.Role;
import io.jllm.chat.ToolCall;
import io.jllm.server.json.BadField;
import io.jllm.server.json.Field;
import io.jllm.server.json.Json;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** The messages of a chat. */
public final class ChatMessages {
    private static final Set<String> TEXT_PARTS = Set.of("text", "input_text", "output_text", "refusal");

    private ChatMessages() {
    }

    /** Messages as OpenAI's chats have them, with {@code reasoning_content} or {@code reasoning} of the assistant's as vLLM has it. */
    static List<Message> read(Field field) {
        List<Message> messages = new ArrayList<>();
        for (Field m : field.list()) {
            messages.add(message(m));
        }
        if (messages.isEmpty()) {
            throw field.wrong("an array of at least one message");
        }
        return messages;
    }

    private static Message message(Field m) {
        Role role = role(m.get("role"));
        List<ToolCall> calls = m.get("tool_calls").list().stream().map(ChatMessages::call).toList();
        boolean mayBeEmpty = !calls.isEmpty() || role == Role.ASSISTANT;
        Optional<String> reasoning = role == Role.ASSISTANT ? m.either("reasoning_content", "reasoning").optionalText() : Optional.empty();
        try {
            return new Message(role, m.get("content").isMissing() && mayBeEmpty ? "" : text(m.get("content")), reasoning, calls,
                    m.get("tool_call_id").optionalText(), m.get("name").optionalText());
        } catch (IllegalArgumentException e) {
            throw new BadField(m.name(), m.name() + ": " + e.getMessage());
        }
    }

    /** Who speaks. */
    public static Role role(Field field) {
        return switch (field.text()) {
            case "system" -> Role.SYSTEM;
            case "developer" -> Role.DEVELOPER;
            case "user" -> Role.USER;
            case "assistant" -> Role.ASSISTANT;
            case "tool" -> Role.TOOL;
            default -> throw field.wrong("one of system, developer, user, assistant, tool");
        };
    }

    /** A text, or the texts of several parts in lines of their own. */
    public static String text(Field content) {
        if (!content.isList()) {
            return content.text();
        }
        List<String> texts = new ArrayList<>();
        for (Field part : content.list()) {
            String type = part.get("type").text();
            if (!TEXT_PARTS.contains(type)) {
                throw part.get("type").unsupported("models here read text alone: send parts of the type text");
            }
            texts.add(part.get(type.equals("refusal") ? "refusal" : "text").text());
        }
        return String.join("\n", texts);
    }

    private static ToolCall call(Field c) {
        c.get("type").oneOf("function");
        Field function = c.get("function");
        Field arguments = function.get("arguments");
        return new ToolCall(c.get("id").optionalText().orElse(""), function.get("name").text(),
                arguments.isMissing() ? "{}" : arguments.isText() ? arguments.text() : Json.text(arguments.json()));
    }
}
