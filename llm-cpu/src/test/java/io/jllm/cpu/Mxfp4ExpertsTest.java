package io.jllm.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.jllm.LLM;
import io.jllm.LogitsProcessor;
import io.jllm.Prompt;
import io.jllm.SamplingParams;
import io.jllm.cpu.machine.MachineKernels;
import io.jllm.cpu.machine.asm.Isa;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A folder of gpt-oss, whose experts lie in MXFP4 with blocks and scales apart, against what transformers computes of it in floats. */
class Mxfp4ExpertsTest {
    /** Of the root of the mean square of logits: what activations of 8 bits are off by. */
    private static final double CLOSE = 0.05;

    private Path folder;

    @BeforeEach
    void find() {
        String shared = System.getProperty("jllm.shared", "");
        folder = Path.of(shared, "oracles", "quant", "gpt_oss-mxfp4");
        assumeTrue(!shared.isEmpty() && Files.isDirectory(folder), "skipped: needs oracles/quant/gpt_oss-mxfp4 under -Djllm.shared=FOLDER");
    }

    @ParameterizedTest
    @ValueSource(strings = {"avx512", "avx2", "vector", "scalar"})
    void logits(String kernels) throws IOException {
        assumeTrue(List.of("vector", "scalar").contains(kernels)
                || MachineKernels.of(Isa.valueOf(kernels.toUpperCase(Locale.ROOT))).isPresent(),
                () -> "skipped: there are no kernels for " + kernels + " here");
        try (LLM llm = LLM.load(folder).backend("cpu").kernels(kernels).open()) {
            JsonArray entries = JsonParser.parseString(Files.readString(folder.resolve("golden.json"))).getAsJsonArray();
            for (JsonElement e : entries) {
                check(llm, e.getAsJsonObject());
            }
            assertTrue(entries.size() > 0);
        }
    }

    private static void check(LLM llm, JsonObject want) {
        int[] ids = StreamSupport.stream(want.getAsJsonArray("ids").spliterator(), false).mapToInt(JsonElement::getAsInt).toArray();
        var row = new AtomicReference<float[]>();
        LogitsProcessor keep = (tokens, prompt, length, logits) -> row.compareAndSet(null, logits.clone());
        llm.generate(List.of(Prompt.ofTokens(ids)), SamplingParams.builder().temperature(0).maxTokens(1).logitsProcessor(() -> keep).build());
        for (JsonElement top : want.getAsJsonArray("top")) {
            JsonArray idAndLogit = top.getAsJsonArray();
            assertEquals(idAndLogit.get(1).getAsDouble(), row.get()[idAndLogit.get(0).getAsInt()], CLOSE * want.get("rms").getAsDouble());
        }
    }
}
