package io.jllm.examples.cli.command;

import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import io.jllm.LLM;
import io.jllm.SamplingParams;
import io.jllm.chat.ChatOptions;
import io.jllm.chat.ContextOverflow;
import io.jllm.chat.Message;
import io.jllm.chat.Tool;
import io.jllm.chat.ToolChoice;
import io.jllm.examples.cli.chat.Dialogue;
import io.jllm.examples.cli.chat.Lines;
import io.jllm.examples.cli.chat.ReadLines;
import io.jllm.examples.cli.chat.TypedLines;
import io.jllm.examples.cli.options.ConstraintOptions;
import io.jllm.examples.cli.options.ModelOptions;
import io.jllm.examples.cli.options.SamplingOptions;
import io.jllm.examples.cli.output.BadInput;
import io.jllm.examples.cli.output.Console;
import io.jllm.examples.cli.render.ConversationFile;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Talks with a model. */
@Command(name = "chat", description = {"Talks with a model: a line you, an answer the model.", "",
    "Where a conversation grows longer than the context, its oldest turns are forgotten. A model without a chat template is talked to in ChatML."})
public final class ChatCommand implements Action {
    @Mixin
    private ModelOptions model;

    @Mixin
    private SamplingOptions sampling;

    @Mixin
    private ConstraintOptions bound;

    @Option(names = "--system", paramLabel = "TEXT", description = "Instructions before the conversation.")
    private Optional<String> system = Optional.empty();

    @Option(names = "--tools", paramLabel = "F.json", description = "Tools that the model may call, as OpenAI's API has them. Calls are shown, "
            + "and what they gave is asked of you.")
    private Optional<Path> tools = Optional.empty();

    @Option(names = "--tool-choice", paramLabel = "C", description = "Whether the first answer to a line calls tools: auto, none, required, or the "
            + "name of one.")
    private String toolChoice = "auto";

    @Option(names = "--strict-tools", description = "Arguments obey the tools' parameters wherever the model calls one.")
    private boolean strictTools;

    @Option(names = "--var", paramLabel = "NAME=VALUE", description = "A variable for the chat template, as JSON or text: enable_thinking=false.")
    private Map<String, String> variables = Map.of();

    private final Console console;

    public ChatCommand(Console console) {
        this.console = console;
    }

    @Override
    public void run() throws Exception {
        bound.over(sampling.over(SamplingParams.neutral())); // what is out of range is said before a model is loaded
        List<Tool> known = tools.isPresent() ? ConversationFile.readTools(tools.get()) : List.of();
        ChatOptions.Builder options = ChatOptions.builder().tools(known).toolChoice(choice(known)).strictTools(strictTools)
                .withoutTemplate(ChatOptions.WithoutTemplate.CHATML)
                .contextOverflow(ContextOverflow.dropOldestTurns());
        variables.forEach((name, value) -> variable(options, name, value));
        List<Message> beginning = system.map(Message::system).map(List::of).orElse(List.of());
        try (LLM llm = model.open(console); Lines lines = lines()) {
            SamplingParams params = bound.over(sampling.over(llm.defaults()));
            sampling.untyped(params, true).ifPresent(console::say);
            if (llm.chatTemplate().isEmpty()) {
                console.say("warning: the model has no chat template; it is talked to in ChatML, which it may not know");
            }
            new Dialogue(llm, beginning, options.build(), params, console, lines).run();
        }
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

    private Lines lines() {
        return (console.terminal() ? TypedLines.open() : Optional.<Lines>empty()).orElseGet(() -> new ReadLines(console.in()));
    }
}
