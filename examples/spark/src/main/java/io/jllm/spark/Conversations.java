package io.jllm.spark;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.jllm.chat.Message;
import io.jllm.chat.Role;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Conversations in JSON: an array of messages with {@code role} and {@code content}, as OpenAI's chats have them. */
final class Conversations {
    private static final Map<String, Role> ROLES = Map.of("system", Role.SYSTEM, "developer", Role.DEVELOPER, "user", Role.USER,
            "assistant", Role.ASSISTANT);

    private Conversations() {
    }

    /**
     * @throws IllegalArgumentException if it is none, or holds what is not supported
     */
    static List<Message> read(String json) {
        JsonElement parsed = Parameters.parse(json, "the messages are");
        if (!parsed.isJsonArray() || parsed.getAsJsonArray().isEmpty()) {
            throw new IllegalArgumentException("the messages are no array of at least one: " + Parameters.shown(parsed));
        }
        var messages = new ArrayList<Message>();
        for (JsonElement e : parsed.getAsJsonArray()) {
            if (!e.isJsonObject()) {
                throw new IllegalArgumentException("message " + messages.size() + " is no object: " + Parameters.shown(e));
            }
            messages.add(message(e.getAsJsonObject(), "message " + messages.size()));
        }
        return messages;
    }

    private static Message message(JsonObject object, String which) {
        for (Map.Entry<String, JsonElement> e : object.entrySet()) {
            if (!List.of("role", "content", "name", "reasoning_content").contains(e.getKey()) && !e.getValue().isJsonNull()) {
                throw new IllegalArgumentException(which + " has " + e.getKey() + ", which is not supported in batches: give role, content, name "
                        + "and reasoning_content");
            }
        }
        String said = text(object, "role", which).orElse("");
        Role role = ROLES.get(said);
        if (role == null) {
            throw new IllegalArgumentException(which + " has the role \"" + said + "\"; it must be one of " + ROLES.keySet().stream().sorted().toList());
        }
        Optional<String> content = text(object, "content", which);
        if (content.isEmpty() && role != Role.ASSISTANT) {
            throw new IllegalArgumentException(which + " has no content");
        }
        return new Message(role, content.orElse(""), text(object, "reasoning_content", which), List.of(), Optional.empty(),
                text(object, "name", which));
    }

    private static Optional<String> text(JsonObject object, String name, String which) {
        JsonElement value = object.get(name);
        if (value == null || value.isJsonNull()) {
            return Optional.empty();
        }
        if (!(value instanceof JsonPrimitive p && p.isString())) {
            throw new IllegalArgumentException(which + " has a " + name + " that is no string: " + Parameters.shown(value)
                    + "; models here read text alone");
        }
        return Optional.of(p.getAsString());
    }
}
