package io.jllm.server.responses;

import io.jllm.chat.Message;
import io.jllm.chat.Role;
import io.jllm.chat.ToolCall;
import io.jllm.server.json.Field;
import io.jllm.server.openai.ChatMessages;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The conversation that {@code instructions} and {@code input} are. What the assistant thought, said and called in a row is one message. */
final class InputItems {
    private final List<Message> messages = new ArrayList<>();
    private final Map<String, String> names = new HashMap<>();
    private final List<ToolCall> calls = new ArrayList<>();
    private Optional<String> said = Optional.empty();
    private Optional<String> thought = Optional.empty();

    private InputItems() {
    }

    static List<Message> read(Field body) {
        var items = new InputItems();
        body.get("instructions").optionalText().ifPresent(text -> items.messages.add(Message.system(text)));
        Field input = body.get("input");
        if (input.isText()) {
            items.messages.add(Message.user(input.text()));
        } else {
            if (input.list().isEmpty()) {
                throw input.wrong("a text, or an array of at least one item");
            }
            input.list().forEach(items::add);
            items.flush();
        }
        return items.messages;
    }

    private void add(Field item) {
        switch (item.get("type").optionalText().orElse("message")) {
            case "message" -> message(item);
            case "function_call" -> {
                String id = item.get("call_id").text();
                String name = item.get("name").text();
                names.put(id, name);
                calls.add(new ToolCall(id, name, item.get("arguments").text()));
            }
            case "function_call_output" -> {
                flush();
                String id = item.get("call_id").text();
                messages.add(new Message(Role.TOOL, ChatMessages.text(item.get("output")), Optional.empty(), List.of(), Optional.of(id),
                        Optional.ofNullable(names.get(id))));
            }
            case "reasoning" -> {
                flush();
                List<String> texts = item.get("content").list().stream().map(part -> part.get("text").text()).toList();
                thought = texts.isEmpty() ? Optional.empty() : Optional.of(String.join("\n", texts));
            }
            default -> throw item.get("type").unsupported("known are message, function_call, function_call_output and reasoning");
        }
    }

    private void message(Field item) {
        Role role = ChatMessages.role(item.get("role"));
        String text = ChatMessages.text(item.get("content"));
        if (role != Role.ASSISTANT) {
            flush();
            messages.add(new Message(role, text, Optional.empty(), List.of(), Optional.empty(), Optional.empty()));
            return;
        }
        if (said.isPresent() || !calls.isEmpty()) {
            flush();
        }
        said = Optional.of(text);
    }

    /** What the assistant did is a message now. */
    private void flush() {
        if (said.isPresent() || !calls.isEmpty()) {
            messages.add(new Message(Role.ASSISTANT, said.orElse(""), thought, calls, Optional.empty(), Optional.empty()));
            thought = Optional.empty();
        }
        said = Optional.empty();
        calls.clear();
    }
}
