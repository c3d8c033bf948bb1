package io.jllm.examples.cli.command;

import io.jllm.examples.cli.options.ModelOptions;
import io.jllm.examples.cli.options.TextLines;
import io.jllm.examples.cli.output.BadInput;
import io.jllm.examples.cli.output.Console;
import io.jllm.examples.cli.output.Json;
import io.jllm.tokenizer.Tokenizer;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Turns text into token ids. */
@Command(name = "tokenize", description = "Turns text into token ids; files with a vocabulary and no weights will do. A line of ids for each line, "
        + "with --jsonl a JSON array.")
public final class TokenizeCommand implements Action {
    @Mixin
    private ModelOptions model;

    @Mixin
    private TextLines lines;

    @Option(names = "--whole", description = "One line of ids for the whole file, every byte of it.")
    private boolean whole;

    @Option(names = "--no-bos", description = "Put nothing before the text.")
    private boolean noBos;

    @Option(names = "--no-special", description = "Special tokens in the text are plain text.")
    private boolean noSpecial;

    private final Console console;

    public TokenizeCommand(Console console) {
        this.console = console;
    }

    @Override
    public void run() throws Exception {
        if (whole && lines.jsonl()) {
            throw new BadInput("--whole and --jsonl exclude each other");
        }
        List<String> texts = whole ? List.of(lines.whole()) : lines.texts();
        try (Tokenizer tokenizer = model.tokenizer()) {
            var out = new StringBuilder();
            for (String one : texts) {
                int[] ids = tokenizer.encode(one, !noBos, !noSpecial);
                out.append(lines.jsonl() ? Json.line(Json.array(ids))
                        : Arrays.stream(ids).mapToObj(Integer::toString).collect(Collectors.joining(" ")));
                out.append('\n');
            }
            console.out().print(out.toString());
        }
    }
}
