package io.jllm.examples.cli.command;

import io.jllm.LLM;
import io.jllm.SamplingParams;
import io.jllm.chat.ChatOptions;
import io.jllm.chat.ContextOverflow;
import io.jllm.examples.cli.chat.ConversationOptions;
import io.jllm.examples.cli.chat.Dialogue;
import io.jllm.examples.cli.chat.Lines;
import io.jllm.examples.cli.chat.ReadLines;
import io.jllm.examples.cli.chat.TypedLines;
import io.jllm.examples.cli.options.AdaptedModelOptions;
import io.jllm.examples.cli.options.ConstraintOptions;
import io.jllm.examples.cli.options.SamplingOptions;
import io.jllm.examples.cli.output.Console;
import java.io.IOException;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Talks with a model. */
@Command(name = "chat", description = {"Talks with a model: a line you, an answer the model.", "",
    "Where a conversation grows longer than the context, its oldest turns are forgotten. A model without a chat template is talked to in ChatML."})
public final class ChatCommand implements Action {
    @Mixin
    private AdaptedModelOptions model;

    @Mixin
    private SamplingOptions sampling;

    @Mixin
    private ConstraintOptions bound;

    @Mixin
    private ConversationOptions conversation;

    private final Console console;

    public ChatCommand(Console console) {
        this.console = console;
    }

    @Override
    public void run() throws IOException {
        talk(model, sampling, bound, conversation, console);
    }

    /** A conversation, with everything that was chosen for it. */
    static void talk(AdaptedModelOptions model, SamplingOptions sampling, ConstraintOptions bound, ConversationOptions conversation, Console console)
            throws IOException {
        bound.over(sampling.over(SamplingParams.neutral())); // what is out of range is said before a model is loaded
        ChatOptions options = conversation.read().contextOverflow(ContextOverflow.dropOldestTurns()).build();
        try (LLM llm = model.open(console); Lines lines = lines(console)) {
            SamplingParams params = model.adapted(bound.over(sampling.over(llm.defaults())));
            sayWhatIsNotTyped(llm, sampling, params, console);
            new Dialogue(llm, conversation.system().stream().toList(), options, params, console, lines).run();
        }
    }

    /** What the model brings with it, or lacks. */
    static void sayWhatIsNotTyped(LLM llm, SamplingOptions sampling, SamplingParams params, Console console) {
        sampling.untyped(params, true).ifPresent(console::say);
        if (llm.chatTemplate().isEmpty()) {
            console.say("warning: the model has no chat template; it is talked to in ChatML, which it may not know");
        }
    }

    private static Lines lines(Console console) {
        return (console.terminal() ? TypedLines.open() : Optional.<Lines>empty()).orElseGet(() -> new ReadLines(console.in()));
    }
}
