package io.jllm.examples.cli.command;

import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import io.jllm.examples.cli.options.ModelOptions;
import io.jllm.examples.cli.options.Texts;
import io.jllm.examples.cli.output.BadInput;
import io.jllm.examples.cli.output.Console;
import io.jllm.examples.cli.output.Json;
import io.jllm.tokenizer.Tokenizer;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Turns text into token ids. */
@Command(name = "tokenize", description = "Turns text into token ids; files with a vocabulary and no weights will do.")
public final class TokenizeCommand implements Action {
    @Mixin
    private ModelOptions model;

    @Option(names = "--text-file", paramLabel = "F", required = true,
            description = "The text, a line of ids for each of its lines.")
    private Path file;

    @Option(names = "--whole", description = "One line of ids for the whole file, every byte of it.")
    private boolean whole;

    @Option(names = "--no-bos", description = "Put nothing before the text.")
    private boolean noBos;

    @Option(names = "--no-special", description = "Special tokens in the text are plain text.")
    private boolean noSpecial;

    @Option(names = "--jsonl", description = "Each line of the file is a JSON string, each line of the output a JSON array.")
    private boolean jsonl;

    private final Console console;

    public TokenizeCommand(Console console) {
        this.console = console;
    }

    @Override
    public void run() throws Exception {
        if (whole && jsonl) {
            throw new BadInput("--whole and --jsonl exclude each other");
        }
        String text = Texts.read(file);
        List<String> texts = whole ? List.of(text) : Texts.lines(text);
        if (jsonl) {
            texts = strings(texts);
        }
        try (Tokenizer tokenizer = model.tokenizer()) {
            var lines = new StringBuilder();
            for (String one : texts) {
                int[] ids = tokenizer.encode(one, !noBos, !noSpecial);
                lines.append(jsonl ? Json.line(Json.array(ids))
                        : Arrays.stream(ids).mapToObj(Integer::toString).collect(Collectors.joining(" ")));
                lines.append('\n');
            }
            console.out().print(lines.toString());
        }
    }

    /** The strings that lines of JSON are. */
    private List<String> strings(List<String> lines) {
        var strings = new ArrayList<String>();
        for (String line : lines) {
            strings.add(string(line).orElseThrow(() -> new BadInput(
                    file + ": line " + (strings.size() + 1) + " is no JSON string (one in quotes, and nothing else)")));
        }
        return strings;
    }

    private static Optional<String> string(String json) {
        try (var reader = new JsonReader(new StringReader(json))) {
            reader.setStrictness(Strictness.STRICT);
            if (reader.peek() != JsonToken.STRING) {
                return Optional.empty();
            }
            String string = reader.nextString();
            return reader.peek() == JsonToken.END_DOCUMENT ? Optional.of(string) : Optional.empty();
        } catch (IOException e) {
            return Optional.empty(); // malformed
        }
    }
}
