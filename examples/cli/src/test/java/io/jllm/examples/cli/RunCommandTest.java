package io.jllm.examples.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.jllm.demo.DemoModel;
import io.jllm.examples.cli.output.Console;
import io.jllm.examples.cli.output.Output;
import io.jllm.quant.gguf.GgufFile;
import io.jllm.quant.gguf.GgufValue;
import io.jllm.quant.gguf.GgufWriter;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code run} and {@code logits} on the demo model. */
class RunCommandTest {
    private static final String PROMPT = "Once upon a time";

    @TempDir
    private Path folder;

    @Test
    void streamsTheTextThatJsonHolds() {
        JsonObject json = CliRun.json("run", "--prompt", PROMPT, "--temperature", "0", "--max-tokens", "24", "--json");
        assertEquals(Set.of("prompt_ids", "text", "token_ids", "logprobs", "finish_reason", "stop_reason", "outputs", "metrics"),
                json.keySet());
        assertEquals("length", json.get("finish_reason").getAsString());
        assertTrue(json.get("stop_reason").isJsonNull());
        assertEquals(24, json.getAsJsonArray("token_ids").size());
        assertEquals(24, json.getAsJsonArray("logprobs").size());
        JsonArray outputs = json.getAsJsonArray("outputs");
        assertEquals(1, outputs.size());
        JsonObject best = outputs.get(0).getAsJsonObject();
        assertEquals(Set.of("token_ids", "text", "logprobs", "score", "finish_reason"), best.keySet());
        for (String same : best.keySet().stream().filter(k -> !k.equals("score")).toList()) {
            assertEquals(json.get(same), best.get(same));
        }
        double sum = Arrays.stream(CliRun.doubles(json.get("logprobs"))).sum();
        assertEquals(sum / 24, best.get("score").getAsDouble(), 1e-5); // as a beam's, with the usual length penalty
        assertEquals(24, json.getAsJsonObject("metrics").get("generated_tokens").getAsInt());
        assertEquals(json.getAsJsonArray("prompt_ids").size(), json.getAsJsonObject("metrics").get("prompt_tokens").getAsInt());
        JsonObject between = json.getAsJsonObject("metrics").getAsJsonObject("inter_token_ms");
        assertEquals(List.of("p50", "p90", "p99", "max"), List.copyOf(between.keySet()));
        assertTrue(between.get("p50").getAsDouble() > 0 && between.get("max").getAsDouble() >= between.get("p99").getAsDouble(), between.toString());

        CliRun streamed = CliRun.of("run", "--prompt", PROMPT, "--temperature", "0", "--max-tokens", "24");
        assertEquals(0, streamed.code(), streamed.err());
        assertEquals(json.get("text").getAsString() + "\n", streamed.out());
        assertTrue(streamed.err().contains("cpu"), streamed.err());

        String ids = Arrays.stream(CliRun.ints(json.get("prompt_ids"))).mapToObj(Integer::toString)
                .collect(Collectors.joining(","));
        JsonObject byIds = CliRun.json("run", "--ids", ids, "--temperature", "0", "--max-tokens", "24", "--json");
        assertEquals(json.get("token_ids"), byIds.get("token_ids"));
    }

    @Test
    void promptsComeFromFilesAsTheyAre() throws Exception {
        Path file = Files.writeString(folder.resolve("p.txt"), "The king,\nthe  queen\n");
        assertEquals(CliRun.json("run", "--prompt", "The king,\nthe  queen\n", "--max-tokens", "0", "--json").get("prompt_ids"),
                CliRun.json("run", "--prompt-file", file.toString(), "--max-tokens", "0", "--json").get("prompt_ids"));
    }

    @Test
    void promptsMayLookLikeOptionsAndFiles() {
        for (String prompt : new String[] {"@file", "- one", "--two", "", "\"three\""}) {
            JsonObject json = CliRun.json("run", "--prompt=" + prompt, "--max-tokens", "1", "--temperature", "0", "--json");
            assertEquals(1, json.getAsJsonArray("token_ids").size(), prompt);
        }
    }

    @Test
    void severalOutputs() {
        JsonObject json = CliRun.json("run", "--prompt", PROMPT, "--max-tokens", "12", "--temperature", "1", "--seed", "3", "--n", "3",
                "--json");
        JsonArray outputs = json.getAsJsonArray("outputs");
        assertEquals(3, outputs.size());
        assertEquals(json.get("token_ids"), outputs.get(0).getAsJsonObject().get("token_ids"));
        assertEquals(36, json.getAsJsonObject("metrics").get("generated_tokens").getAsInt());
        CliRun plain = CliRun.of("run", "--prompt", PROMPT, "--max-tokens", "12", "--temperature", "1", "--seed", "3", "--n", "3");
        assertTrue(plain.out().startsWith("[1] " + json.get("text").getAsString()), plain.out());
    }

    @Test
    void beams() {
        JsonObject json = CliRun.json("run", "--prompt", PROMPT, "--max-tokens", "12", "--beams", "4", "--n", "2", "--length-penalty", "2",
                "--early-stopping", "never", "--logprobs", "2", "--json");
        JsonArray outputs = json.getAsJsonArray("outputs");
        assertEquals(2, outputs.size());
        JsonObject best = outputs.get(0).getAsJsonObject();
        double sum = Arrays.stream(CliRun.doubles(best.get("logprobs"))).sum();
        assertEquals(sum / 144, best.get("score").getAsDouble(), 1e-5);
        assertTrue(best.get("score").getAsDouble() > outputs.get(1).getAsJsonObject().get("score").getAsDouble());
        assertEquals(12, best.getAsJsonArray("top_logprobs").size());
        CliRun plain = CliRun.of("run", "--prompt", PROMPT, "--max-tokens", "12", "--beams", "4", "--length-penalty", "2",
                "--early-stopping", "never");
        assertEquals(json.get("text").getAsString() + "\n", plain.out());
        assertTrue(plain.err().lines().noneMatch(line -> line.startsWith("warning: a beam search")), plain.err());
    }

    @Test
    void settingsOfDrawingWithBeamsAreWarnedOf() {
        CliRun run = CliRun.of("run", "--prompt", PROMPT, "--max-tokens", "3", "--beams", "2", "--top-k", "5", "--seed", "1");
        assertEquals(0, run.code(), run.err());
        assertTrue(run.err().contains("warning: a beam search draws nothing: --top-k, --seed have no effect with --beams"), run.err());
        CliRun cold = CliRun.of("run", "--prompt", PROMPT, "--max-tokens", "3", "--beams", "2", "--temperature", "0");
        assertTrue(cold.err().lines().noneMatch(line -> line.startsWith("warning: a beam search")), cold.err());
    }

    @Test
    void settingsOfBeamsAreChecked() {
        String[][] wrong = {{"--beams", "0"}, {"--beams", "2", "--n", "3"}, {"--length-penalty", "1"}, {"--n", "0"},
            {"--beams", "2", "--stop", "x"}, {"--beams", "2", "--early-stopping", "maybe"}};
        String[] says = {"--beams must be at least 1", "--n must be in 1 to --beams of 2", "give --beams too", "--n must be at least 1",
            "--stop cannot be combined", "true, false or never"};
        for (int i = 0; i < wrong.length; i++) {
            String[] args = Stream.concat(Stream.of("run", "--prompt", PROMPT), Arrays.stream(wrong[i])).toArray(String[]::new);
            CliRun run = CliRun.of(args);
            assertEquals(2, run.code(), run.err());
            assertTrue(run.err().contains(says[i]), run.err());
        }
    }

    @Test
    void sameSeedSameTokens() {
        String[] args = {"run", "--prompt", PROMPT, "--max-tokens", "12", "--temperature", "1.1", "--top-k", "50",
            "--top-p", "0.95", "--min-p", "0.01", "--repetition-penalty", "1.1", "--presence-penalty", "0.1",
            "--frequency-penalty", "0.1", "--json", "--seed", "7"};
        assertEquals(CliRun.json(args).get("token_ids"), CliRun.json(args).get("token_ids"));
        String[] other = args.clone();
        other[other.length - 1] = "8";
        assertFalse(CliRun.json(args).get("token_ids").equals(CliRun.json(other).get("token_ids")));
    }

    @Test
    void stopsBeforeAnyOfSeveralTexts() {
        String whole = CliRun.json("run", "--prompt", PROMPT, "--temperature", "0", "--max-tokens", "24", "--json").get("text")
                .getAsString();
        String stop = whole.substring(20, 26);
        JsonObject json = CliRun.json("run", "--prompt", PROMPT, "--temperature", "0", "--max-tokens", "24", "--json",
                "--stop", "never in there", "--stop", stop);
        assertEquals("stop", json.get("finish_reason").getAsString());
        assertEquals(stop, json.get("stop_reason").getAsString());
        assertEquals(whole.substring(0, whole.indexOf(stop)), json.get("text").getAsString());
        assertEquals(json.get("text"), CliRun.json("run", "--stop", "never in there", stop, "--prompt", PROMPT,
                "--temperature", "0", "--max-tokens", "24", "--json").get("text"));
    }

    /** Ids of tokens are numbers: no stop string can be taken for one. */
    @Test
    void whatStoppedItIsATextOrANumber() throws Exception {
        String[] args = {"run", "--prompt", PROMPT, "--temperature", "0", "--max-tokens", "24", "--json"};
        int third = CliRun.ints(CliRun.json(args).get("token_ids"))[2];
        Path model = withMetadata(Map.of("tokenizer.ggml.eos_token_id", new GgufValue.Int(GgufValue.Type.UINT32, third)));
        String[] with = Stream.concat(Arrays.stream(args), Stream.of("--model", model.toString())).toArray(String[]::new);
        JsonObject json = CliRun.json(with);
        assertEquals("stop", json.get("finish_reason").getAsString());
        assertEquals(new JsonPrimitive(third), json.get("stop_reason"));
        assertEquals(third, CliRun.ints(json.get("token_ids"))[2]);
    }

    /** The demo model with other metadata. */
    private Path withMetadata(Map<String, GgufValue> more) throws IOException {
        Path model = folder.resolve("m.gguf");
        try (GgufFile demo = GgufFile.open(DemoModel.path())) {
            var metadata = new LinkedHashMap<>(demo.metadata().entries());
            metadata.putAll(more);
            GgufWriter.write(model, metadata, demo.tensorInfos().stream().map(t -> new GgufWriter.TensorEntry(t.name(),
                    t.type().orElseThrow(), t.shape(), out -> out.write(demo.get(t.name()).data().asByteBuffer()))).toList(),
                    GgufWriter.Progress.NONE);
        }
        return model;
    }

    @Test
    void settingsThatNobodyTypedAreTold() throws Exception {
        List<String> plain = List.of("run", "--prompt", PROMPT, "--max-tokens", "1");
        assertEquals(List.of("sampling: temperature 1, for neither the model's files nor --temperature say another"
                + " (0 takes the likeliest token always)"), sampling(plain));
        assertEquals(List.of(), sampling(plain, "--temperature", "0"));
        assertEquals(List.of(), sampling(plain, "--temperature", "1", "--top-k", "3"));
        assertEquals(List.of(), sampling(plain, "--beams", "2"));
        Path model = withMetadata(Map.of("general.sampling.temp", new GgufValue.Real(GgufValue.Type.FLOAT32, 0.6f),
                "general.sampling.top_k", new GgufValue.Int(GgufValue.Type.INT32, 40),
                "general.sampling.penalty_repeat", new GgufValue.Real(GgufValue.Type.FLOAT32, 1.5f)));
        String of = model.toString();
        assertEquals(List.of("sampling: temperature 0.6, top-k 40, repetition-penalty 1.5 as the model's files recommend"),
                sampling(plain, "--model", of));
        assertEquals(List.of("sampling: top-k 40, repetition-penalty 1.5 as the model's files recommend"),
                sampling(plain, "--model", of, "--temperature", "0.5"));
        assertEquals(List.of("sampling: repetition-penalty 1.5 as the model's files recommend"), sampling(plain, "--model", of, "--temperature",
                "0"));
        assertEquals(List.of("sampling: repetition-penalty 1.5 as the model's files recommend"), sampling(plain, "--model", of, "--beams", "2"));
        assertEquals(List.of(), sampling(plain, "--model", of, "--temperature", "0.5", "--top-k", "0", "--repetition-penalty", "1"));
        String help = CliRun.good("run", "--help").replaceAll("\\s+", " ");
        assertTrue(help.contains("neutral where they say nothing, which is a temperature of 1"), help);
    }

    private static List<String> sampling(List<String> args, String... more) {
        CliRun run = CliRun.of(Stream.concat(args.stream(), Arrays.stream(more)).toArray(String[]::new));
        assertEquals(0, run.code(), run.err());
        return run.err().lines().filter(l -> l.startsWith("sampling:")).toList();
    }

    @Test
    void alternativesAreThereIfAskedFor() {
        JsonObject json = CliRun.json("run", "--prompt", PROMPT, "--temperature", "0", "--max-tokens", "3", "--logprobs", "4",
                "--json");
        JsonArray rows = json.getAsJsonArray("top_logprobs");
        assertEquals(3, rows.size());
        int[] ids = CliRun.ints(json.get("token_ids"));
        double[] logprobs = CliRun.doubles(json.get("logprobs"));
        for (int i = 0; i < 3; i++) {
            assertEquals(4, rows.get(i).getAsJsonArray().size());
            JsonObject first = rows.get(i).getAsJsonArray().get(0).getAsJsonObject();
            assertEquals(ids[i], first.get("id").getAsInt());
            assertEquals(logprobs[i], first.get("logprob").getAsDouble(), 1e-6);
        }
        assertEquals(rows, json.getAsJsonArray("outputs").get(0).getAsJsonObject().get("top_logprobs"));
    }

    @Test
    void logitsAreThoseOfTheNextToken() {
        JsonObject run = CliRun.json("run", "--prompt", PROMPT, "--temperature", "0", "--max-tokens", "1", "--logprobs", "20",
                "--json");
        String ids = Arrays.stream(CliRun.ints(run.get("prompt_ids"))).mapToObj(Integer::toString)
                .collect(Collectors.joining(","));
        JsonObject json = CliRun.json("logits", "--ids", ids, "--json");
        assertEquals(Set.of("top"), json.keySet());
        JsonArray top = json.getAsJsonArray("top");
        JsonArray expected = run.getAsJsonArray("top_logprobs").get(0).getAsJsonArray();
        assertEquals(20, top.size());
        for (int i = 0; i < 20; i++) {
            JsonObject one = top.get(i).getAsJsonObject();
            assertEquals(Set.of("id", "logit", "logprob"), one.keySet());
            assertEquals(expected.get(i).getAsJsonObject().get("id"), one.get("id"));
            assertEquals(expected.get(i).getAsJsonObject().get("logprob").getAsDouble(), one.get("logprob").getAsDouble(), 1e-5);
        }
        double shift = top.get(0).getAsJsonObject().get("logit").getAsDouble() - top.get(0).getAsJsonObject().get("logprob")
                .getAsDouble();
        JsonObject last = top.get(19).getAsJsonObject();
        assertEquals(shift, last.get("logit").getAsDouble() - last.get("logprob").getAsDouble(), 1e-4);
        assertEquals(21, CliRun.good("logits", "--ids", ids).lines().count());
    }

    @Test
    void whatTheModelCannotDoIsBadInput() {
        assertTrue(lastLine(2, "run", "--ids", "0,99999").contains("99999"));
        assertTrue(lastLine(2, "logits", "--ids", "99999", "--json").contains("99999"));
        assertTrue(lastLine(2, "run", "--prompt", "word ".repeat(2000)).contains("1024"));
        assertTrue(lastLine(2, "run", "--prompt", "a", "--context", "5000").contains("5000"));
        assertTrue(lastLine(2, "run", "--prompt", "a", "--threads", "0").contains("threads"));
        assertTrue(lastLine(2, "run", "--prompt", "a", "--backend", "abacus").contains("abacus"));
        assertTrue(lastLine(2, "run", "--prompt", "a", "--kernels", "abacus").contains("abacus"));
    }

    /** The model may have been announced before the failure; nothing else may. */
    private static String lastLine(int code, String... args) {
        CliRun run = CliRun.of(args);
        assertEquals(code, run.code(), run.err());
        assertEquals("", run.out());
        var lines = run.err().lines().filter(l -> l.startsWith("llm ")).toList();
        assertEquals(1, lines.size(), run.err());
        return lines.getFirst();
    }

    @Test
    void endsQuietlyWhenNobodyReads() {
        var err = new ByteArrayOutputStream();
        var closed = new OutputStream() {
            @Override
            public void write(int b) throws IOException {
                throw new IOException("Broken pipe");
            }
        };
        int code = Cli.run(new String[] {"run", "--prompt", PROMPT, "--max-tokens", "100"},
                new Console(new Output(closed), new PrintStream(err, true), InputStream.nullInputStream(), false, () -> false));
        assertEquals(0, code);
        assertFalse(err.toString().contains("pipe"), err.toString());
    }

    @Test
    void tokensAreTheSameWithOneThreadAndScalarKernels() {
        String[] args = {"run", "--prompt", PROMPT, "--max-tokens", "6", "--temperature", "0", "--json"};
        int[] expected = CliRun.ints(CliRun.json(args).get("token_ids"));
        String[] slow = Arrays.copyOf(args, args.length + 6);
        System.arraycopy(new String[] {"--threads", "1", "--kernels", "scalar", "--backend", "cpu"}, 0, slow, args.length, 6);
        assertArrayEquals(expected, CliRun.ints(CliRun.json(slow).get("token_ids")));
    }
}
