package io.jllm.examples.cli.options;

import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import io.jllm.examples.cli.output.BadInput;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Option;

/** A file of texts, one a line. */
public final class TextLines {
    @Option(names = "--text-file", paramLabel = "F", required = true, description = "The texts, one a line.")
    private Path file;

    @Option(names = "--jsonl", description = "Each line of the file is a JSON string.")
    private boolean jsonl;

    /** Whether the lines are JSON. */
    public boolean jsonl() {
        return jsonl;
    }

    /** The whole file. */
    public String whole() throws IOException {
        return Texts.read(file);
    }

    /**
     * The texts.
     *
     * @throws BadInput if a line is not what it should be
     */
    public List<String> texts() throws IOException {
        List<String> lines = Texts.lines(whole());
        if (!jsonl) {
            return lines;
        }
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
