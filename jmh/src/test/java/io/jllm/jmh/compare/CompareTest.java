package io.jllm.jmh.compare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.JsonObject;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Against scripts that print what the programs do. */
@DisabledOnOs(OS.WINDOWS)
class CompareTest {
    @TempDir
    Path folder;
    private Path model;
    private Path llm;
    private Path bench;
    private Path batched;

    @BeforeEach
    void scripts() throws IOException {
        model = Files.write(folder.resolve("some.gguf"), new byte[1000]);
        llm = script("llm", """
                echo "llm $*" >> "$(dirname "$0")/calls"
                echo '{"pp":200.0,"tg":40.0,"batch":1,"depth":0,"load_ms":900,"first_token_ms":50,"peak_rss_mib":800.5,"backend":"cpu","kernels":"avx512"}'
                """);
        bench = script("llama-bench", """
                echo "bench $PAGES $*" >> "$(dirname "$0")/calls"
                echo '[{"n_prompt":512,"n_gen":0,"avg_ts":100.0},{"n_prompt":0,"n_gen":64,"avg_ts":32.0}]'
                """);
        batched = script("llama-batched-bench", """
                echo "batched $*" >> "$(dirname "$0")/calls"
                echo 'main: n_kv_max = 2048'
                echo '|    PP |     TG |    B |   N_KV |   T_PP s | S_PP t/s |   T_TG s | S_TG t/s |      T s |    S t/s |'
                echo '|-------|--------|------|--------|----------|----------|----------|----------|----------|----------|'
                echo '|   512 |     64 |    8 |   4608 |   40.960 |   102.40 |    6.400 |    80.00 |   47.360 |    97.30 |'
                """);
    }

    private Path script(String name, String body) throws IOException {
        Path file = Files.writeString(folder.resolve(name), "#!/bin/sh\n" + body);
        assertTrue(file.toFile().setExecutable(true));
        return file;
    }

    private record Outcome(int code, String out) {
    }

    private Outcome compare(String... more) {
        var args = new ArrayList<>(List.of("--llm", llm.toString(), "--llama-bench", bench.toString(), "--rounds", "2", "--threads", "1",
                "--results", results().toString()));
        args.addAll(Arrays.asList(more));
        var out = new ByteArrayOutputStream();
        int code = Compare.run(args.toArray(String[]::new), new PrintStream(out, true, StandardCharsets.UTF_8));
        return new Outcome(code, out.toString(StandardCharsets.UTF_8));
    }

    private Path results() {
        return folder.resolve("results/cpu.jsonl");
    }

    private List<String> calls() throws IOException {
        return Files.readAllLines(folder.resolve("calls"));
    }

    @Test
    void runsInTurnAndWritesWhatItTakesToRunAgain() throws IOException {
        Outcome outcome = compare("--model", model.toString(), "--peer", "fork 7", "--peer-args", "-fa 1", "--peer-env", "PAGES=huge");
        assertEquals(0, outcome.code, outcome.out);
        assertEquals(List.of("bench huge", "llm bench", "llm bench", "bench huge"), calls().stream().map(c -> c.substring(0, c.indexOf(" -")))
                .toList());

        List<JsonObject> rows = new Rows(results()).all();
        assertEquals(1, rows.size());
        JsonObject row = rows.getFirst();
        assertEquals(2.0, row.get("ratio_pp").getAsDouble());
        assertEquals(1.25, row.get("ratio_tg").getAsDouble());
        assertEquals("fork 7", row.get("peer").getAsString());
        assertEquals("avx512", row.get("kernels").getAsString());
        assertEquals(2, row.getAsJsonObject("runs").getAsJsonArray("peer_tg").size());
        assertTrue(row.get("bandwidth_gb_s").getAsDouble() > 0.1, row.toString());
        assertEquals("PAGES=huge llama-bench -m some.gguf -p 512 -n 64 -t 1 -r 1 -o json -ctk f16 -ctv f16 -fa 1",
                row.get("peer_command").getAsString());
        assertFalse(row.toString().contains(folder.toString()), "no path of a machine: " + row);
    }

    @Test
    void goesOnWhereItWas() throws IOException {
        assertEquals(0, compare("--model", model.toString()).code);
        int before = calls().size();
        Outcome second = compare("--model", model.toString(), "--threads", "1,2");
        assertTrue(second.out.contains("1 thread: there already"), second.out);
        assertEquals(2, new Rows(results()).all().size());
        assertEquals(2 * before, calls().size());
    }

    @Test
    void aPlanHasLinesOfOptionsAndAFailureStopsNoOther() throws IOException {
        Path plan = Files.writeString(folder.resolve("plan"), """
                # comment
                --name "first model" --kernels vector

                --llama-bench %s --rounds 1
                --batch 8 --rounds 1
                --prompt-tokens 0 --depth 100 --rounds 1
                """.formatted(script("broken", "echo no such format >&2; exit 3")));
        Outcome outcome = compare("--plan", plan.toString(), "--model", model.toString(), "--llama-batched-bench", batched.toString());
        assertEquals(1, outcome.code);
        assertTrue(outcome.out.contains("failed with exit code 3:\nno such format"), outcome.out);

        List<JsonObject> rows = new Rows(results()).all();
        assertEquals(List.of("first model, 1 thread, vector kernels", "some.gguf, 1 thread, batch 8", "some.gguf, 1 thread, after 100"),
                rows.stream().map(r -> r.get("label").getAsString()).toList());
        assertEquals(80.0, rows.get(1).get("peer_tg").getAsDouble());
        assertEquals(102.4, rows.get(1).get("peer_pp").getAsDouble());
        assertTrue(rows.get(1).get("command").getAsString().endsWith("--prompt-tokens 0 --generate-tokens 64 --threads 1 --kv-type f16 "
                + "--repetitions 1 --json --batch 8 --depth 512"), rows.get(1).toString());
    }

    @Test
    void loadingIsTimedFromStartToEnd() throws IOException {
        Outcome outcome = compare("--model", model.toString(), "--load", "--cold");
        assumeTrue(!outcome.out.contains("Cannot run program \"dd\""), "there is no dd");
        assertEquals(0, outcome.code, outcome.out);
        JsonObject row = new Rows(results()).all().getFirst();
        assertEquals("some.gguf, load, 1 thread, cold", row.get("label").getAsString());
        assertEquals(900, row.get("load_ms").getAsInt());
        assertTrue(row.get("wall_ms").getAsDouble() > 0 && row.get("peer_wall_ms").getAsDouble() > 0 && row.get("ratio_wall").getAsDouble() > 0,
                row.toString());
        assertEquals(2, row.getAsJsonObject("runs").getAsJsonArray("peer_wall_ms").size());
        assertTrue(row.get("command").getAsString().startsWith("dd if=some.gguf iflag=nocache count=0; examples/llm bench --model some.gguf"
                + " --prompt-tokens 0 --generate-tokens 0 "), row.toString());
        assertEquals("dd if=some.gguf iflag=nocache count=0; llama-bench -m some.gguf -p 8 -n 0 -t 1 -r 1 --no-warmup -o json -ctk f16 -ctv f16",
                row.get("peer_command").getAsString());
        assertTrue(compare("--model", model.toString(), "--load", "--depth", "3").out.contains("leave out --batch and --depth"));
    }

    @Test
    void aProcessorIsKeptBusyMeanwhile() throws IOException {
        Outcome outcome = compare("--model", model.toString(), "--busy", "0");
        assumeTrue(!outcome.out.contains("Cannot run program \"taskset\"") && !outcome.out.contains("no process could spin"),
                "nothing can be pinned to processor 0");
        assertEquals(0, outcome.code, outcome.out);
        JsonObject row = new Rows(results()).all().getFirst();
        assertEquals("some.gguf, 1 thread, busy processors 0", row.get("label").getAsString());
        assertTrue(row.get("peer_command").getAsString().startsWith("taskset -c 0 sh -c 'while :; do :; done' & llama-bench "), row.toString());
    }

    @Test
    void drawsTheNewestOfEachLabel() throws Exception {
        assertEquals(0, compare("--model", model.toString(), "--name", "a<b", "--peer", "one").code);
        assertEquals(0, compare("--model", model.toString(), "--name", "a<b", "--peer", "two", "--again").code);
        Path chart = folder.resolve("chart.svg");
        assertEquals(0, compare("--chart", chart.toString(), "--chart-rows", "a<").code);

        var xml = DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(new ByteArrayInputStream(Files.readAllBytes(chart)));
        var texts = xml.getElementsByTagName("text");
        var found = new ArrayList<String>();
        for (int i = 0; i < texts.getLength(); i++) {
            found.add(texts.item(i).getTextContent());
        }
        assertEquals(List.of("jLLM", "one", "two", "prompt, tokens/s", "generation, tokens/s", "a<b, 1 thread", "200", "40.0", "100", "32.0", "100",
                "32.0"), found);
        Outcome none = compare("--chart", chart.toString(), "--chart-rows", "nothing like it");
        assertEquals(1, none.code);
        assertTrue(none.out.contains("no row has a label"), none.out);
    }

    @Test
    void badUsageIsRefused() {
        assertEquals(2, compare().code);
        assertTrue(compare("--model", folder.resolve("absent").toString()).out.contains("there is no file"));
        assertTrue(compare("--model", model.toString(), "--batch", "8", "--depth", "5").out.contains("--depth 0"));
    }

    @Test
    void aProgramThatPrintsNoFiguresIsAFailure() throws IOException {
        llm = script("llm", "echo hello");
        Outcome outcome = compare("--model", model.toString());
        assertEquals(1, outcome.code);
        assertTrue(outcome.out.contains("no line of llm bench --json: hello"), outcome.out);
        assertEquals(List.of(), new Rows(results()).all());
    }
}
