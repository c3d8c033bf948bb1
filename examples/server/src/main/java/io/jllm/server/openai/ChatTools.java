package io.jllm.server.openai;

import io.jllm.chat.ChatOptions;
import io.jllm.chat.Tool;
import io.jllm.chat.ToolChoice;
import io.jllm.server.json.Field;
import io.jllm.server.json.Json;
import java.util.List;
import java.util.regex.Pattern;

/** The tools of a chat, and whether they are called. */
public final class ChatTools {
    private static final Pattern NAME = Pattern.compile("[\\w.-]{1,64}");
    private static final String NO_PARAMETERS = "{\"type\":\"object\",\"properties\":{}}";

    private ChatTools() {
    }

    /** Tools as OpenAI's chats have them: a {@code function} each. */
    static void read(Field body, ChatOptions.Builder options) {
        List<Field> tools = body.get("tools").list();
        tools.forEach(t -> t.get("type").oneOf("function").orElseThrow(() -> t.get("type").wrong("function")));
        List<Field> functions = tools.stream().map(t -> t.get("function")).toList();
        options.tools(functions.stream().map(f -> tool(f, f.get("parameters"))).toList());
        options.strictTools(functions.stream().anyMatch(f -> f.get("strict").isTrue()));
        choose(body.get("tool_choice"), false, functions, options);
    }

    /** A function with a name, a description and parameters. */
    public static Tool tool(Field function, Field parameters) {
        Field name = function.get("name");
        if (!NAME.matcher(name.text()).matches()) {
            throw name.wrong("1 to 64 letters, digits, _, . and -");
        }
        if (!parameters.isMissing() && !parameters.isObject()) {
            throw parameters.wrong("a JSON schema of an object");
        }
        return new Tool(name.text(), function.get("description").optionalText().orElse(""),
                parameters.isMissing() ? NO_PARAMETERS : Json.text(parameters.json()));
    }

    /**
     * What {@code tool_choice} says.
     *
     * @param flat whether an object names a function itself, and has no {@code function} that does
     * @param functions those that there are
     */
    public static void choose(Field choice, boolean flat, List<Field> functions, ChatOptions.Builder options) {
        if (choice.isMissing()) {
            return;
        }
        if (choice.isObject()) {
            choice.get("type").oneOf("function").orElseThrow(() -> choice.get("type").wrong("function"));
            Field name = (flat ? choice : choice.get("function")).get("name");
            if (functions.stream().noneMatch(f -> f.get("name").text().equals(name.text()))) {
                throw name.wrong("the name of one of the tools");
            }
            options.toolChoice(ToolChoice.named(name.text()));
            return;
        }
        switch (choice.text()) {
            case "auto" -> options.toolChoice(ToolChoice.auto());
            case "none" -> options.toolChoice(ToolChoice.none());
            case "required" -> {
                if (functions.isEmpty()) {
                    throw choice.wrong("auto or none, where no tools are given");
                }
                options.toolChoice(ToolChoice.required());
            }
            default -> throw choice.wrong("one of none, auto, required, or an object that names a function");
        }
    }
}
