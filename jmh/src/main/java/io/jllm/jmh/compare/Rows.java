package io.jllm.jmh.compare;

import com.google.gson.JsonArray;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import io.jllm.jmh.results.Provenance;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.TreeMap;
import java.util.function.Function;

/**
 * The file of results: a JSON object a line, each with all that it takes to measure it again.
 *
 * @param file which need not be there yet
 */
record Rows(Path file) {
    /** What is there. */
    List<JsonObject> all() throws IOException {
        if (!Files.exists(file)) {
            return List.of();
        }
        try {
            return Files.readAllLines(file).stream().filter(line -> !line.isBlank()).map(line -> JsonParser.parseString(line).getAsJsonObject())
                    .toList();
        } catch (JsonParseException | IllegalStateException e) {
            throw new IOException(file + " has a line that is no JSON object: " + e.getMessage(), e);
        }
    }

    /** Whether this commit was measured so already. */
    boolean has(String commit, String command, Optional<String> peerCommand) throws IOException {
        return all().stream().anyMatch(row -> text(row, "commit").equals(commit) && text(row, "command").equals(command)
                && text(row, "peer_command").equals(peerCommand.orElse("")));
    }

    /** A string of a row; empty if there is none. */
    static String text(JsonObject row, String key) {
        return row.has(key) && row.get(key).isJsonPrimitive() ? row.get(key).getAsString() : "";
    }

    /** Appends a row. */
    void add(JsonObject row) throws IOException {
        Path folder = file.toAbsolutePath().getParent();
        Files.createDirectories(folder);
        Files.writeString(file, row + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }

    /** A row. */
    static JsonObject row(Comparison c, Program ours, Optional<? extends Program> peer, String commit, long fileBytes) {
        Setting s = c.setting();
        var row = new JsonObject();
        row.addProperty("date", LocalDate.now(ZoneOffset.UTC).toString());
        row.addProperty("commit", commit);
        row.addProperty("label", s.label());
        row.addProperty("model", s.name());
        row.addProperty("file_bytes", fileBytes);
        row.addProperty("threads", s.threads());
        row.addProperty("batch", s.batch());
        row.addProperty("depth", s.depth());
        row.addProperty("prompt_tokens", s.promptTokens());
        row.addProperty("generate_tokens", s.generateTokens());
        row.addProperty("load", s.load());
        row.addProperty("cold", s.circumstances().cold());
        var busy = new JsonArray();
        s.circumstances().busy().forEach(i -> busy.add(i));
        row.add("busy_processors", busy);
        row.addProperty("kv_type", s.kvType());
        row.addProperty("kernels", c.ours().getLast().kernels());
        add(row, "pp", Comparison.median(Comparison.each(c.ours(), Speeds::pp)));
        add(row, "tg", Comparison.median(Comparison.each(c.ours(), Speeds::tg)));
        peer.ifPresent(p -> {
            row.addProperty("peer", p.name());
            add(row, "peer_pp", Comparison.median(Comparison.each(c.theirs(), Speeds::pp)));
            add(row, "peer_tg", Comparison.median(Comparison.each(c.theirs(), Speeds::tg)));
            add(row, "ratio_pp", c.ratio(Speeds::pp));
            add(row, "ratio_tg", c.ratio(Speeds::tg));
        });
        add(row, "bandwidth_gb_s", Comparison.median(c.bandwidth()));
        add(row, "tg_share_of_bandwidth", c.shareOfBandwidth(fileBytes));
        if (s.load()) {
            add(row, "wall_ms", Comparison.median(Comparison.each(c.ours(), Speeds::wallMillis)));
            peer.ifPresent(_ -> {
                add(row, "peer_wall_ms", Comparison.median(Comparison.each(c.theirs(), Speeds::wallMillis)));
                add(row, "ratio_wall", c.ratio(Speeds::wallMillis));
            });
        }
        add(row, "load_ms", Comparison.median(Comparison.each(c.ours(), Speeds::loadMillis)));
        add(row, "first_token_ms", Comparison.median(Comparison.each(c.ours(), Speeds::firstTokenMillis)));
        add(row, "peak_rss_mib", Comparison.median(Comparison.each(c.ours(), Speeds::peakMib)));
        peer.ifPresent(_ -> add(row, "peer_peak_rss_mib", Comparison.median(Comparison.each(c.theirs(), Speeds::peakMib))));
        row.add("runs", runs(c));
        row.addProperty("hardware", Provenance.hardware());
        row.addProperty("jdk", Provenance.jdk());
        row.addProperty("command", ours.command(s));
        peer.ifPresent(p -> row.addProperty("peer_command", p.command(s)));
        row.addProperty("how", "alternating processes, medians; ratios pair by pair; bandwidth: reading memory on huge pages with as many threads, "
                + "before each pair; its share: file_bytes a step");
        return row;
    }

    private static JsonObject runs(Comparison c) {
        var runs = new JsonObject();
        Map<String, Function<Speeds, OptionalDouble>> figures = new TreeMap<>(c.setting().load()
                ? Map.of("wall_ms", Speeds::wallMillis) : Map.of("pp", Speeds::pp, "tg", Speeds::tg));
        figures.forEach((name, figure) -> {
            runs.add(name, array(Comparison.each(c.ours(), figure)));
            if (!c.theirs().isEmpty()) {
                runs.add("peer_" + name, array(Comparison.each(c.theirs(), figure)));
            }
        });
        if (c.setting().load()) {
            runs.add("load_ms", array(Comparison.each(c.ours(), Speeds::loadMillis)));
            runs.add("first_token_ms", array(Comparison.each(c.ours(), Speeds::firstTokenMillis)));
        }
        runs.add("bandwidth_gb_s", array(c.bandwidth()));
        return runs;
    }

    private static JsonArray array(List<Double> values) {
        var array = new JsonArray();
        values.forEach(v -> array.add(rounded(v)));
        return array;
    }

    private static void add(JsonObject row, String key, OptionalDouble value) {
        if (value.isPresent()) {
            row.addProperty(key, rounded(value.getAsDouble()));
        } else {
            row.add(key, JsonNull.INSTANCE);
        }
    }

    private static double rounded(double value) {
        return Math.round(value * 100) / 100.0;
    }
}
