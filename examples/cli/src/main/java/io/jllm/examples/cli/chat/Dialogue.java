package io.jllm.examples.cli.chat;

import io.jllm.ChatOutput;
import io.jllm.ChatStream;
import io.jllm.FinishReason;
import io.jllm.LLM;
import io.jllm.SamplingParams;
import io.jllm.chat.AnswerPart;
import io.jllm.chat.ChatOptions;
import io.jllm.chat.Message;
import io.jllm.chat.ToolCall;
import io.jllm.examples.cli.output.Console;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A user and a model in turns. Answers go to standard output; reasoning, calls of tools and remarks to standard error. */
public final class Dialogue {
    private static final String DIM = "\u001b[2m";
    private static final String PLAIN = "\u001b[0m";
    private static final String HELP = "/clear begins anew, /exit (or Ctrl-D) ends; Ctrl-C ends an answer. What a tool gave is typed by you.";

    private final LLM llm;
    private final ChatOptions options;
    private final SamplingParams params;
    private final Console console;
    private final Lines lines;
    private final List<Message> beginning;
    private final List<Message> said;
    private boolean dimmed;

    /** @param beginning instructions, which stay */
    public Dialogue(LLM llm, List<Message> beginning, ChatOptions options, SamplingParams params, Console console, Lines lines) {
        this.llm = llm;
        this.options = options;
        this.params = params;
        this.console = console;
        this.lines = lines;
        this.beginning = List.copyOf(beginning);
        said = new ArrayList<>(beginning);
    }

    /** Goes on until the user has no more to say. */
    public void run() throws IOException {
        console.say(HELP);
        for (Optional<String> line = lines.next("> "); line.isPresent(); line = lines.next("> ")) {
            switch (line.get().strip()) {
                case "" -> { }
                case "/exit" -> {
                    return;
                }
                case "/help" -> console.say(HELP);
                case "/clear" -> {
                    said.clear();
                    said.addAll(beginning);
                }
                default -> {
                    said.add(Message.user(line.get()));
                    answer();
                }
            }
        }
    }

    /** Answers what was said last, and as long as the answer calls tools, with what the user says that they gave. */
    private void answer() throws IOException {
        List<ToolCall> calls = stream(options);
        while (!calls.isEmpty()) {
            for (ToolCall call : calls) {
                Optional<String> result = lines.next(call.name() + " gave> ");
                if (result.isEmpty()) {
                    return;
                }
                said.add(Message.tool(call, result.get()));
            }
            calls = stream(options.afterCalls());
        }
    }

    /** Shows an answer as it comes; the calls in it. */
    private List<ToolCall> stream(ChatOptions how) {
        try (ChatStream stream = llm.streamChat(said, how, params);
                var _ = lines.interrupting(stream.request()::cancel)) {
            for (AnswerPart part : stream) {
                show(part);
            }
            dim(false);
            console.out().println("");
            console.out().flush();
            ChatOutput output = stream.result().join().orThrow();
            said.add(output.message());
            if (output.finishReason() == FinishReason.LENGTH) {
                console.say("[ended by the limit of tokens]");
            }
            return output.answer().toolCalls();
        }
    }

    private void show(AnswerPart part) {
        switch (part) {
            case AnswerPart.Content c -> {
                dim(false);
                console.out().print(c.text());
                console.out().flush();
            }
            case AnswerPart.Reasoning r -> {
                dim(true);
                console.err().print(r.text());
            }
            case AnswerPart.CallStart c -> {
                dim(true);
                console.err().print("[" + c.name() + " ");
            }
            case AnswerPart.CallArguments c -> console.err().print(c.text());
            case AnswerPart.CallEnd _ -> console.err().print("]");
        }
        console.err().flush();
    }

    /** From one kind of text to the other, on a line of its own. */
    private void dim(boolean on) {
        if (dimmed != on) {
            dimmed = on;
            String line = on ? "" : "\n";
            console.err().print(console.terminal() ? (on ? DIM : PLAIN) + line : line);
        }
    }
}
