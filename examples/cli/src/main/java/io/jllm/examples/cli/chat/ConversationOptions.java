package io.jllm.examples.cli.chat;

import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import io.jllm.chat.ChatOptions;
import io.jllm.chat.ChatOptions.WithoutTemplate;
import io.jllm.chat.Message;
import io.jllm.chat.Tool;
import io.jllm.chat.ToolChoice;
import io.jllm.examples.cli.output.BadInput;
import io.jllm.examples.cli.render.ConversationFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Option;

/** What conversations begin with, and how they become prompts. */
public final class ConversationOptions {
    @Option(names = "--system", paramLabel = "TEXT", description = "Instructions before the conversation.")
    private Optional<String> system = Optional.empty();

    @Option(names = "--tools", paramLabel = "F.json", description = "Tools that the model may call, as OpenAI's API has them. Calls are shown; in a "
            + "conversation, what they gave is asked of you.")
    private Optional<Path> tools = Optional.empty();

    @Option(names = "--tool-choice", paramLabel = "C", description = "Whether the first answer to a line calls tools: auto, none, required, or the "
            + "name of one.")
    private String toolChoice = "auto";

    @Option(names = "--strict-tools", description = "Arguments obey the tools' parameters wherever the model calls one.")
    private boolean strictTools;

    @Option(names = "--var", paramLabel = "NAME=VALUE", description = "A variable for the chat template, as JSON or text: enable_thinking=false.")
    private Map<String, String> variables = Map.of();

    /** The instructions, if there are any. */
    public Optional<Message> system() {
        return system.map(Message::system);
    }

    /** The rest; a model without a template is talked to in ChatML. */
    public ChatOptions.Builder read() throws IOException {
        List<Tool> known = tools.isPresent() ? ConversationFile.readTools(tools.get()) : List.of();
        ChatOptions.Builder options = ChatOptions.builder().tools(known).toolChoice(choice(known)).strictTools(strictTools)
                .withoutTemplate(WithoutTemplate.CHATML);
        variables.forEach((name, value) -> variable(options, name, value));
        return options;
    }

    private ToolChoice choice(List<Tool> known) {
        ToolChoice choice = switch (toolChoice) {
            case "auto" -> ToolChoice.auto();
            case "none" -> ToolChoice.none();
            case "required" -> ToolChoice.required();
            default -> ToolChoice.named(toolChoice);
        };
        if (choice instanceof ToolChoice.Required && known.isEmpty()) {
            throw new BadInput("--tool-choice required needs tools: give them with --tools");
        }
        if (choice instanceof ToolChoice.Named && known.stream().noneMatch(t -> t.name().equals(toolChoice))) {
            throw new BadInput("--tool-choice must be auto, none, required or the name of a tool of --tools, was " + toolChoice);
        }
        return choice;
    }

    private static void variable(ChatOptions.Builder options, String name, String value) {
        try {
            JsonParser.parseString(value);
            options.variableJson(name, value);
        } catch (JsonParseException | IllegalArgumentException e) {
            options.variable(name, value);
        }
    }
}
