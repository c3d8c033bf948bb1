package io.jllm.examples.cli.render;

import io.jllm.chat.ChatOptions;
import io.jllm.chat.Message;
import io.jllm.chat.Role;
import io.jllm.chat.Tool;
import io.jllm.chat.ToolCall;
import io.jllm.examples.cli.output.BadInput;
import io.jllm.examples.cli.output.Json;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What a file holds: an array of messages, or an object with {@code messages} and, if need be, {@code tools}, {@code add_generation_prompt},
 * {@code continue_final_message}, {@code chat_template} and {@code chat_template_kwargs}. Names are those of the OpenAI API and of vLLM.
 */
public record ConversationFile(List<Message> messages, ChatOptions options) {
    private static final Set<String> KEYS = Set.of("messages", "tools", "add_generation_prompt", "continue_final_message", "chat_template",
            "chat_template_kwargs");

    /** @throws BadInput if it is no such file; the message names the place in it */
    public static ConversationFile read(Path file) throws IOException {
        Place top = Place.read(file);
        if (top.isArray()) {
            return new ConversationFile(messages(top), ChatOptions.defaults());
        }
        for (String key : top.keys()) {
            if (!KEYS.contains(key)) {
                throw new BadInput(file + ": " + key + " is not known; known are " + KEYS.stream().sorted().collect(Collectors.joining(", ")));
            }
        }
        ChatOptions.Builder options = ChatOptions.builder().tools(tools(top.get("tools")))
                .addGenerationPrompt(top.get("add_generation_prompt").flag(true))
                .continueLastMessage(top.get("continue_final_message").flag(false));
        top.get("chat_template").optionalText().ifPresent(options::template);
        Place variables = top.get("chat_template_kwargs");
        if (!variables.isMissing()) {
            variables.keys().forEach(name -> options.variableJson(name, Json.line(variables.get(name).json())));
        }
        try {
            return new ConversationFile(messages(top.get("messages")), options.build());
        } catch (IllegalArgumentException e) {
            throw new BadInput(file + ": " + e.getMessage(), e);
        }
    }

    /**
     * The tools of a file that is an array of them.
     *
     * @throws BadInput if it is none; the message names the place in it
     */
    public static List<Tool> readTools(Path file) throws IOException {
        return tools(Place.read(file));
    }

    static List<Message> messages(Place place) {
        List<Message> messages = new ArrayList<>();
        for (Place message : place.list()) {
            try {
                messages.add(message(message));
            } catch (IllegalArgumentException e) { // a role has what it cannot have
                throw new BadInput(message.name() + ": " + e.getMessage(), e);
            }
        }
        if (messages.isEmpty()) {
            throw new BadInput(place.name() + " must hold at least one message");
        }
        return messages;
    }

    private static Message message(Place place) {
        Place reasoning = place.get("reasoning_content").isMissing() ? place.get("reasoning") : place.get("reasoning_content");
        List<ToolCall> calls = place.get("tool_calls").list().stream().map(ConversationFile::call).toList();
        return new Message(role(place.get("role")), content(place.get("content"), !calls.isEmpty()), reasoning.optionalText(), calls,
                place.get("tool_call_id").optionalText(), place.get("name").optionalText());
    }

    private static Role role(Place place) {
        return Arrays.stream(Role.values()).filter(r -> place.isText() && r.templateName().equals(place.text())).findFirst()
                .orElseThrow(() -> place.wrong("a role, of "
                        + Arrays.stream(Role.values()).map(Role::templateName).collect(Collectors.joining(", "))));
    }

    /** A text, or the texts of several parts in lines of their own. A message with calls may have none. */
    private static String content(Place place, boolean mayMiss) {
        if (place.isMissing() && mayMiss) {
            return "";
        }
        if (!place.isArray()) {
            return place.text();
        }
        List<String> texts = new ArrayList<>();
        for (Place part : place.list()) {
            Place type = part.get("type");
            if (!type.isText() || !type.text().equals("text")) {
                throw type.wrong("\"text\": parts of other types are not supported");
            }
            texts.add(part.get("text").text());
        }
        return String.join("\n", texts);
    }

    private static ToolCall call(Place place) {
        Place function = place.get("function");
        Place arguments = function.get("arguments");
        return new ToolCall(place.get("id").optionalText().orElse(""), function.get("name").text(),
                arguments.isText() ? arguments.text() : arguments.isMissing() ? "{}" : Json.line(arguments.json()));
    }

    private static List<Tool> tools(Place place) {
        List<Tool> tools = new ArrayList<>();
        for (Place tool : place.list()) {
            Place function = tool.get("function");
            Place parameters = function.get("parameters");
            tools.add(new Tool(function.get("name").text(), function.get("description").optionalText().orElse(""),
                    parameters.isMissing() ? "{\"type\":\"object\",\"properties\":{}}" : Json.line(parameters.json())));
        }
        return tools;
    }
}
