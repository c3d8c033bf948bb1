package io.jllm.examples.cli.infer;

import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import io.jllm.examples.cli.output.BadInput;
import io.jllm.examples.cli.output.Json;
import io.jllm.examples.cli.output.Output;
import io.jllm.examples.cli.output.WholeLines;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;

/** Where answers go: a line each, in the order of the questions. What an earlier run has written stays; a line that it did not end is taken away. */
public final class Answers implements AutoCloseable {
    private final Output out;
    private final Optional<OutputStream> file;
    private final List<JsonObject> there;

    private Answers(Output out, Optional<OutputStream> file, List<JsonObject> there) {
        this.out = out;
        this.file = file;
        this.there = there;
    }

    /**
     * To a file, or to standard output.
     *
     * @throws BadInput if the file is there and holds something else
     */
    public static Answers to(Optional<Path> place, Output standard) throws IOException {
        if (place.isEmpty()) {
            return new Answers(standard, Optional.empty(), List.of());
        }
        Path path = place.get();
        List<JsonObject> there = List.of();
        if (Files.exists(path)) {
            WholeLines.keep(path);
            there = Files.readAllLines(path).stream().map(line -> answer(path, line)).toList();
        }
        OutputStream stream = Files.newOutputStream(path, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        return new Answers(new Output(stream), Optional.of(stream), there);
    }

    private static JsonObject answer(Path path, String line) {
        try {
            if (JsonParser.parseString(line) instanceof JsonObject o && o.has("response")) {
                return o;
            }
        } catch (JsonParseException _) {
            // said below
        }
        throw new BadInput(path + " is there and holds other lines than answers: name another file");
    }

    /** What an earlier run has written. */
    List<JsonObject> there() {
        return there;
    }

    /** Writes one, so that it is there whatever comes. */
    void write(JsonObject answer) {
        out.println(Json.line(answer));
        out.flush();
    }

    @Override
    public void close() throws IOException {
        if (file.isPresent()) {
            file.get().close();
        }
    }
}
