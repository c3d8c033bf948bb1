package io.jllm.server.anthropic;

import io.jllm.chat.Message;
import io.jllm.chat.Role;
import io.jllm.chat.ToolCall;
import io.jllm.server.json.Field;
import io.jllm.server.json.Json;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The conversation that {@code system} and {@code messages} are. */
final class InputBlocks {
    private static final String TEXT_ONLY = "models here read text alone: send blocks of the types text, tool_use, tool_result and thinking";

    private final List<Message> messages = new ArrayList<>();
    private final Map<String, String> names = new HashMap<>();

    private InputBlocks() {
    }

    static List<Message> read(Field body) {
        var blocks = new InputBlocks();
        Field system = body.get("system");
        if (!system.isMissing()) {
            blocks.messages.add(Message.system(text(system)));
        }
        Field messages = body.get("messages");
        if (messages.list().isEmpty()) {
            throw messages.wrong("an array of at least one message");
        }
        messages.list().forEach(blocks::message);
        return blocks.messages;
    }

    /** A text, or the texts of blocks in lines of their own. */
    private static String text(Field content) {
        if (!content.isList()) {
            return content.text();
        }
        List<String> texts = new ArrayList<>();
        for (Field block : content.list()) {
            if (!block.get("type").text().equals("text")) {
                throw block.get("type").unsupported(TEXT_ONLY);
            }
            texts.add(block.get("text").text());
        }
        return String.join("\n", texts);
    }

    private void message(Field message) {
        boolean user = message.get("role").oneOf("user", "assistant").orElseThrow(() -> message.get("role").wrong("user or assistant")).equals("user");
        Field content = message.get("content");
        if (!content.isList()) {
            messages.add(user ? Message.user(content.text()) : Message.assistant(content.text()));
        } else if (user) {
            user(content);
        } else {
            assistant(content);
        }
    }

    /** Results of tools are messages of their own, before what the user says. */
    private void user(Field content) {
        if (content.list().isEmpty()) {
            throw content.wrong("a string, or an array of at least one block");
        }
        List<String> texts = new ArrayList<>();
        for (Field block : content.list()) {
            switch (block.get("type").text()) {
                case "text" -> texts.add(block.get("text").text());
                case "tool_result" -> {
                    String id = block.get("tool_use_id").text();
                    String result = block.get("content").isMissing() ? "" : text(block.get("content"));
                    messages.add(new Message(Role.TOOL, result, Optional.empty(), List.of(), Optional.of(id), Optional.ofNullable(names.get(id))));
                }
                default -> throw block.get("type").unsupported(TEXT_ONLY);
            }
        }
        if (!texts.isEmpty()) {
            messages.add(Message.user(String.join("\n", texts)));
        }
    }

    private void assistant(Field content) {
        List<String> texts = new ArrayList<>();
        List<String> thoughts = new ArrayList<>();
        List<ToolCall> calls = new ArrayList<>();
        for (Field block : content.list()) {
            switch (block.get("type").text()) {
                case "text" -> texts.add(block.get("text").text());
                case "thinking" -> thoughts.add(block.get("thinking").text());
                case "tool_use" -> {
                    String id = block.get("id").text();
                    names.put(id, block.get("name").text());
                    calls.add(new ToolCall(id, block.get("name").text(), block.get("input").isMissing() ? "{}" : Json.text(block.get("input").json())));
                }
                default -> throw block.get("type").unsupported(TEXT_ONLY);
            }
        }
        messages.add(new Message(Role.ASSISTANT, String.join("\n", texts),
                thoughts.isEmpty() ? Optional.empty() : Optional.of(String.join("\n", thoughts)), calls, Optional.empty(), Optional.empty()));
    }
}
