package io.jllm.examples.cli.soak;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import io.jllm.FinishReason;
import io.jllm.RequestOutput;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;

/** A line of JSON for each request and each round, from which a failure can be found and asked again. Safe for all threads. */
final class SoakLog implements AutoCloseable {
    private static final Gson GSON = new GsonBuilder().serializeNulls().disableHtmlEscaping().create();

    private final Optional<BufferedWriter> writer;

    /** Writes to a new file, or nowhere. */
    SoakLog(Optional<Path> file) throws IOException {
        writer = file.isPresent() ? Optional.of(Files.newBufferedWriter(file.get())) : Optional.empty();
    }

    /** A line. */
    synchronized void line(JsonObject json) {
        writer.ifPresent(w -> {
            try {
                w.write(GSON.toJson(json));
                w.write('\n');
            } catch (IOException e) {
                throw new UncheckedIOException("cannot write the log: " + e.getMessage(), e);
            }
        });
    }

    /** The line of a request that has ended. */
    void request(Answer answer, Optional<String> problem, long nanos) {
        JsonObject json = turn(answer.turn());
        answer.output().ifPresent(o -> {
            json.addProperty("reason", reason(o).name().toLowerCase(Locale.ROOT));
            json.addProperty("tokens", o.outputs().stream().mapToInt(x -> x.tokenIds().length).sum());
            json.addProperty("cached", o.metrics().cachedTokens());
            json.addProperty("preemptions", o.metrics().preemptions());
        });
        json.addProperty("refusals", answer.refusals());
        json.addProperty("ms", Math.rint(nanos / 1e3) / 1e3);
        problem.ifPresent(p -> explain(json, answer.turn(), p));
        line(json);
    }

    /** The line of a request whose caller found no answer. */
    void failure(Turn turn, String problem) {
        JsonObject json = turn(turn);
        explain(json, turn, problem);
        line(json);
    }

    private static JsonObject turn(Turn turn) {
        var json = new JsonObject();
        json.addProperty("request", turn.number());
        json.addProperty("round", turn.round());
        json.addProperty("question", turn.question().number());
        json.addProperty("manner", turn.manner().name().toLowerCase(Locale.ROOT));
        json.addProperty("amount", turn.amount());
        return json;
    }

    private static void explain(JsonObject json, Turn turn, String problem) {
        json.addProperty("wrong", problem);
        json.addProperty("prompt", turn.question().prompt().toString());
        json.addProperty("settings", turn.question().settings().toString());
    }

    private static FinishReason reason(RequestOutput output) {
        return output.error().isPresent() ? FinishReason.ERROR
                : output.outputs().stream().anyMatch(o -> o.finishReason() == FinishReason.CANCELLED) ? FinishReason.CANCELLED
                        : output.finishReason();
    }

    /** Ends the file. */
    @Override
    public synchronized void close() throws IOException {
        if (writer.isPresent()) {
            writer.get().close();
        }
    }
}
