package io.jllm.examples.cli.command;

import io.jllm.LLM;
import io.jllm.SamplingParams;
import io.jllm.chat.ChatOptions;
import io.jllm.examples.cli.chat.ConversationOptions;
import io.jllm.examples.cli.infer.Answers;
import io.jllm.examples.cli.infer.InferRun;
import io.jllm.examples.cli.options.AdaptedModelOptions;
import io.jllm.examples.cli.options.ConstraintOptions;
import io.jllm.examples.cli.options.SamplingOptions;
import io.jllm.examples.cli.output.BadInput;
import io.jllm.examples.cli.output.Console;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import me.tongfei.progressbar.ProgressBar;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Answers a file of questions, or talks. */
@Command(name = "infer", description = {"Answers a file of questions, a JSON object a line: {\"messages\": [..]} as OpenAI's API has them, or"
    + " {\"query\": \"..\"} with, if need be, system, history and response. Without one it talks, as llm chat does.", "",
    "Each answer is the question's line with response, labels (what was there as the answer), finish_reason and, where it could not be answered, error."
        + " Run again after it was ended, it goes on behind the last answer in the output."})
public final class InferCommand implements Action {
    private static final int MOST_AT_ONCE = 1024;

    @Mixin
    private AdaptedModelOptions model;

    @Mixin
    private SamplingOptions sampling;

    @Mixin
    private ConstraintOptions bound;

    @Mixin
    private ConversationOptions conversation;

    @Option(names = "--input", paramLabel = "F.jsonl", description = "The questions (default: those that you type).")
    private Optional<Path> input = Optional.empty();

    @Option(names = "--output", paramLabel = "F.jsonl", description = "Where the answers go, in the order of the questions (default: standard output).")
    private Optional<Path> output = Optional.empty();

    @Option(names = "--at-once", paramLabel = "N", defaultValue = "64", description = "Questions at a time (default: ${DEFAULT-VALUE}).")
    private int atOnce;

    private final Console console;

    public InferCommand(Console console) {
        this.console = console;
    }

    @Override
    public void run() throws IOException, InterruptedException {
        if (atOnce < 1 || atOnce > MOST_AT_ONCE) {
            throw new BadInput("--at-once must be in 1 to " + MOST_AT_ONCE + ", was " + atOnce);
        }
        if (input.isPresent()) {
            answer(input.get());
        } else if (output.isPresent()) {
            throw new BadInput("--output is for the answers to a file of questions: give it with --input");
        } else {
            ChatCommand.talk(model, sampling, bound, conversation, console);
        }
    }

    private void answer(Path questions) throws IOException, InterruptedException {
        if (output.isPresent() && Files.exists(output.get()) && Files.isSameFile(questions, output.get())) {
            throw new BadInput("the answers cannot go to the file of the questions");
        }
        bound.over(sampling.over(SamplingParams.neutral())); // what is out of range is said before a model is loaded
        ChatOptions options = conversation.read().build();
        var run = new InferRun(questions, conversation.system());
        try (Answers answers = Answers.to(output, console.out()); LLM llm = model.open(model.builder().maxSequences(atOnce), console);
                ProgressBar bar = console.progress("questions", run.size())) {
            SamplingParams params = model.adapted(bound.over(sampling.over(llm.defaults())));
            ChatCommand.sayWhatIsNotTyped(llm, sampling, params, console);
            console.say(run.answer(new InferRun.How(llm, options, params, atOnce), answers, bar::step));
        }
    }
}
