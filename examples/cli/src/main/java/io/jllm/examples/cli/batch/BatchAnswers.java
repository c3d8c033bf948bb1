package io.jllm.examples.cli.batch;

import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import io.jllm.examples.cli.output.BadInput;
import io.jllm.examples.cli.output.Json;
import io.jllm.examples.cli.output.WholeLines;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.Stream;

/** The file of answers: a line each, written as they come. What an earlier run has written stays; a line that it did not end is taken away. */
final class BatchAnswers implements AutoCloseable {
    private final Set<String> done = new HashSet<>();
    private final OutputStream out;

    /**
     * Opens one, or begins it.
     *
     * @throws BadInput if the file is there and holds something else
     */
    BatchAnswers(Path file) throws IOException {
        if (Files.exists(file)) {
            WholeLines.keep(file);
            try (Stream<String> lines = Files.lines(file)) {
                lines.forEach(line -> done.add(id(file, line)));
            }
        }
        out = Files.newOutputStream(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }

    private static String id(Path file, String line) {
        try {
            if (JsonParser.parseString(line) instanceof JsonObject o && o.get("custom_id") instanceof JsonPrimitive p) {
                return p.getAsString();
            }
        } catch (JsonParseException _) {
            // said below
        }
        throw new BadInput(file + " is there and holds other lines than answers of a batch: name another file");
    }

    /** Whether a line has its answer from an earlier run. */
    boolean has(String id) {
        return done.contains(id);
    }

    /** Writes one, from any thread. */
    synchronized void write(JsonObject answer) throws IOException {
        out.write((Json.line(answer) + "\n").getBytes(StandardCharsets.UTF_8));
        out.flush();
    }

    @Override
    public void close() throws IOException {
        out.close();
    }
}
