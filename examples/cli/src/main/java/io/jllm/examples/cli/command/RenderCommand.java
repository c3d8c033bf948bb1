package io.jllm.examples.cli.command;

import io.jllm.chat.ChatPrompt;
import io.jllm.chat.ChatTemplate;
import io.jllm.examples.cli.options.ModelOptions;
import io.jllm.examples.cli.options.Texts;
import io.jllm.examples.cli.output.BadInput;
import io.jllm.examples.cli.output.Console;
import io.jllm.examples.cli.render.ConversationFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Prints the prompt that a chat template makes. */
@Command(name = "render", description = "Prints the prompt that a chat template makes of a conversation, exactly.")
public final class RenderCommand implements Action {
    @Mixin
    private ModelOptions model;

    @Option(names = "--messages", paramLabel = "F.json",
            description = "A conversation for the model's own template: an array of messages of the OpenAI API, or an object with messages, "
                    + "tools, add_generation_prompt, continue_final_message, chat_template, chat_template_kwargs.")
    private Optional<Path> messages = Optional.empty();

    @Option(names = "--template", paramLabel = "F", description = "A template of its own; with --messages instead of the model's.")
    private Optional<Path> template = Optional.empty();

    @Option(names = "--vars", paramLabel = "F.json", description = "The variables of --template: a JSON object.")
    private Optional<Path> variables = Optional.empty();

    private final Console console;

    public RenderCommand(Console console) {
        this.console = console;
    }

    @Override
    public void run() throws Exception {
        if (messages.isPresent() ? variables.isPresent() : template.isEmpty()) {
            throw new BadInput("give --messages F.json, with --template F if not the model's own is meant, or --template F with --vars F.json");
        }
        try {
            console.out().print((messages.isPresent() ? conversation(messages.get()) : ownVariables()).text());
        } catch (IllegalArgumentException e) {
            throw new BadInput(e.getMessage(), e);
        }
    }

    private ChatPrompt conversation(Path file) throws IOException {
        ConversationFile conversation = ConversationFile.read(file);
        if (template.isPresent()) {
            return model.chatTemplate().render(conversation.messages(), conversation.options().withTemplate(Texts.read(template.get())));
        }
        return model.chatTemplate().render(conversation.messages(), conversation.options());
    }

    private ChatPrompt ownVariables() throws IOException {
        return ChatTemplate.render(Texts.read(template.orElseThrow()), variables.isPresent() ? Texts.read(variables.get()) : "{}");
    }
}
