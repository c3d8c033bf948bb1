package io.jllm.examples.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.jllm.LLM;
import io.jllm.Prompt;
import io.jllm.Request;
import io.jllm.SamplingParams;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Commands with an adapter, on a tiny model and an adapter of peft's that lie among the resources of the library's tests. */
class AdapterTest {
    private static final String IDS = "5,17,42";

    @TempDir
    private Path temp;
    private Path model;
    private Path adapter;

    @BeforeEach
    void unpack() throws IOException {
        model = unpacked("bases/llama", "config.json", "model.safetensors");
        adapter = unpacked("qv", "adapter_config.json", "adapter_model.safetensors");
    }

    private Path unpacked(String folder, String... files) throws IOException {
        Path to = Files.createDirectories(temp.resolve(folder));
        for (String f : files) {
            try (InputStream in = AdapterTest.class.getResourceAsStream("/io/jllm/adapters/" + folder + "/" + f)) {
                Files.copy(in, to.resolve(f));
            }
        }
        return to;
    }

    private String[] run(String... more) {
        var args = new ArrayList<>(List.of("run", "--model", model.toString(), "--threads", "1", "--ids", IDS, "--temperature", "0", "--max-tokens", "12",
                "--ignore-eos", "--json"));
        args.addAll(List.of(more));
        return args.toArray(String[]::new);
    }

    @Test
    void runsWithIt() {
        int[] plain = CliRun.ints(CliRun.json(run()).get("token_ids"));
        int[] with = CliRun.ints(CliRun.json(run("--adapter", adapter.toString())).get("token_ids"));
        assertFalse(Arrays.equals(plain, with));
        assertArrayEquals(with, CliRun.ints(CliRun.json(run("--lora-modules", "tuned=" + adapter)).get("token_ids")));
        SamplingParams params = SamplingParams.greedy().toBuilder().maxTokens(12).ignoreEos(true).build();
        try (LLM llm = LLM.load(model).threads(1).adapter("a", adapter).open()) {
            assertArrayEquals(llm.generate(List.of(new Request(Prompt.ofTokens(5, 17, 42), params).adapter("a"))).getFirst().tokenIds(), with);
        }
    }

    @Test
    void saysWhatIsWrong() {
        assertTrue(CliRun.bad(2, run("--adapter", "nowhere")).contains("there is no adapter nowhere"));
        assertTrue(CliRun.bad(2, run("--adapter", model.toString())).contains("has no adapter_config.json"));
    }

    /** A batch is answered by a server, as llm serve is one. */
    @Test
    void servesIt() throws IOException {
        Path in = temp.resolve("in.jsonl");
        String line = "{\"custom_id\":\"%s\",\"method\":\"POST\",\"url\":\"/v1/completions\",\"body\":{\"model\":\"%s\",\"prompt\":[" + IDS + "],\"max_tokens\":12,"
                + "\"temperature\":0,\"ignore_eos\":true,\"logprobs\":0,\"return_tokens_as_token_ids\":true}}\n";
        Files.writeString(in, line.formatted("1", "base") + line.formatted("2", "tuned")
                + line.formatted("3", "base").replaceFirst("\\[.*?]", "\"text\""));
        Path out = temp.resolve("out.jsonl");
        CliRun.good("batch", in.toString(), out.toString(), "--threads", "1", "--model", "base=" + model, "--adapter", "tuned=" + adapter);
        for (String answer : Files.readAllLines(out)) {
            JsonObject all = JsonParser.parseString(answer).getAsJsonObject();
            if (all.get("custom_id").getAsString().equals("3")) {
                assertTrue(answer.contains("\"status_code\":400") && answer.contains("without a tokenizer"), answer);
                continue;
            }
            boolean tuned = all.get("custom_id").getAsString().equals("2");
            assertTrue(answer.contains("\"status_code\":200"), answer);
            int[] ids = all.getAsJsonObject("response").getAsJsonObject("body").getAsJsonArray("choices").get(0).getAsJsonObject()
                    .getAsJsonObject("logprobs").getAsJsonArray("tokens").asList().stream()
                    .mapToInt(t -> Integer.parseInt(t.getAsString().substring("token_id:".length()))).toArray();
            assertArrayEquals(CliRun.ints(CliRun.json(tuned ? run("--adapter", adapter.toString()) : run()).get("token_ids")), ids);
        }
        assertEquals(3, Files.readAllLines(out).size());
    }
}
