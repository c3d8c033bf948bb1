package io.jllm.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.jllm.LLM;
import io.jllm.LogitsProcessor;
import io.jllm.Prompt;
import io.jllm.SamplingParams;
import io.jllm.convert.Converter;
import io.jllm.cpu.tier.KernelChoice;
import io.jllm.quant.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Tiny models of families that others made, as folders with the configurations of transformers 4 and 5, as GGUF files of llama.cpp, and as
 * those that we make of the folders, against what transformers computed in float32.
 */
class FamilyOraclesTest {
    @TempDir
    private Path folder;

    private static Path shared(String name) {
        String root = System.getProperty("jllm.shared", "");
        Assumptions.assumeTrue(!root.isEmpty(), "skipped: -Djllm.shared=FOLDER is not given, " + name + " is looked for there");
        return Path.of(root, name);
    }

    @ParameterizedTest
    @CsvSource({"seed_oss, scalar", "seed_oss, vector", "seed_oss, avx2", "seed_oss, avx512", "smollm3, scalar", "smollm3, vector", "smollm3, avx2",
        "smollm3, avx512", "ernie4_5, scalar", "ernie4_5, vector", "ernie4_5, avx2", "ernie4_5, avx512"})
    void family(String name, String kernels) throws IOException {
        here(kernels);
        Path given = shared("oracles/families").resolve(name);
        JsonArray golden = JsonParser.parseString(Files.readString(given.resolve("golden.json"))).getAsJsonArray();
        check(given, kernels, golden);
        for (String file : List.of("model.safetensors", "tokenizer.json", "tokenizer_config.json")) {
            Files.createSymbolicLink(folder.resolve(file), given.resolve(file));
        }
        Files.createSymbolicLink(folder.resolve("config.json"), given.resolve("config.hub.json"));
        check(folder, kernels, golden);
        check(shared("oracles/families-gguf").resolve(name + ".gguf"), kernels, golden);
        Path ours = folder.resolve("ours.gguf");
        Converter.convert(given, ours, Converter.Options.of(DType.F32), Converter.Progress.NONE);
        check(ours, kernels, golden);
    }

    private static void here(String kernels) {
        try {
            KernelChoice.of(kernels);
        } catch (IllegalArgumentException e) {
            Assumptions.abort("skipped: " + e.getMessage());
        }
    }

    private static void check(Path model, String kernels, JsonArray golden) {
        try (LLM llm = LLM.load(model).backend("cpu").kernels(kernels).open()) {
            assertTrue(golden.size() >= 4, "cases");
            for (JsonElement e : golden) {
                check(llm, e.getAsJsonObject(), model + ", ");
            }
        }
    }

    private static void check(LLM llm, JsonObject want, String what) {
        int[] ids = ints(want.getAsJsonArray("ids"));
        boolean greedy = want.has("greedy");
        var first = new AtomicReference<float[]>();
        LogitsProcessor keep = (tokens, prompt, length, logits) -> first.compareAndSet(null, logits.clone());
        int[] got = llm.generate(List.of(Prompt.ofTokens(ids)), SamplingParams.builder().temperature(0).ignoreEos(true)
                .maxTokens(greedy ? 24 : 1).logitsProcessor(() -> keep).build()).getFirst().tokenIds();
        double rms = want.get("rms").getAsDouble();
        for (JsonElement pair : want.getAsJsonArray("top")) {
            JsonArray idAndLogit = pair.getAsJsonArray();
            assertEquals(idAndLogit.get(1).getAsDouble(), first.get()[idAndLogit.get(0).getAsInt()], 1e-4 * rms, what + ids.length + " tokens");
        }
        if (greedy) {
            int[] ids24 = ints(want.getAsJsonObject("greedy").getAsJsonArray("new_ids"));
            JsonArray margins = want.getAsJsonObject("greedy").getAsJsonArray("margins");
            for (int i = 0; i < ids24.length && got[i] == ids24[i] | margins.get(i).getAsDouble() >= 1e-3; i++) {
                assertEquals(ids24[i], got[i], what + "token " + i + " after " + ids.length);
            }
        }
    }

    private static int[] ints(JsonArray array) {
        return StreamSupport.stream(array.spliterator(), false).mapToInt(JsonElement::getAsInt).toArray();
    }
}
