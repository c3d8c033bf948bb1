package io.jllm.adapter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.jllm.LLM;
import io.jllm.LlmBuilder;
import io.jllm.convert.Converter;
import io.jllm.quant.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Adapters that others made for tiny models of theirs, and for models whose weights are packed. */
public abstract class SharedAdapters {
    private static final double TOLERANCE = 1e-4;

    @TempDir
    private Path temp;

    /** Chooses the backend that is tested. */
    protected abstract LlmBuilder on(LlmBuilder load);

    /** How far logits may be, by their root mean square, where steps of many tokens meet weights of F16. */
    protected double tolerance() {
        return TOLERANCE;
    }

    /** How far they may be from those of the floats that packed weights stand for. */
    protected double packedTolerance() {
        return TOLERANCE;
    }

    private static Path folder(String name) {
        String root = System.getProperty("jllm.shared", "");
        Assumptions.assumeTrue(!root.isEmpty(), "skipped: -Djllm.shared=FOLDER is not given, oracles/quant and quant-real are looked for there");
        return Path.of(root, "oracles").resolve(name);
    }

    private static int[] ids(JsonObject golden) {
        return StreamSupport.stream(golden.getAsJsonArray("ids").spliterator(), false).mapToInt(JsonElement::getAsInt).toArray();
    }

    @ParameterizedTest
    @CsvSource({"quant/base-fp16, quant/lora-r8-all", "quant/base-fp16, quant/lora-rslora-qv", "quant-real/_base, quant-real/lora-dora-all",
        "quant-real/_base, quant-real/lora-embed-lmhead", "quant-real/_base, quant-real/lora-modules-to-save",
        "quant-real/_base, quant-real/lora-trainable-tokens"})
    final void sameAsPeft(String model, String adapter) throws IOException {
        int cases = 0;
        try (LLM llm = on(LLM.load(folder(model))).adapter("it", folder(adapter)).open()) {
            for (JsonElement e : JsonParser.parseString(Files.readString(folder(adapter).resolve("golden.json"))).getAsJsonArray()) {
                JsonObject golden = e.getAsJsonObject();
                float[] got = AdapterGoldens.logits(llm, ids(golden), Optional.of("it"));
                double rms = golden.get("rms").getAsDouble();
                for (JsonElement pair : golden.getAsJsonArray("top")) {
                    int id = pair.getAsJsonArray().get(0).getAsInt();
                    assertEquals(pair.getAsJsonArray().get(1).getAsDouble(), got[id], tolerance() * rms, adapter + ", token " + id);
                }
                cases++;
            }
        }
        assertEquals(4, cases);
    }

    /** QLoRA and its like: on weights that stay packed an adapter does what it does on the floats that they stand for. */
    @ParameterizedTest
    @CsvSource({"bnb-nf4-dq, lora-dora-all", "bnb-nf4, lora-embed-lmhead", "bnb-int8, lora-trainable-tokens", "gptq-4bit-g32-descact, lora-dora-all",
        "awq-gemm-g64, lora-modules-to-save", "ct-w4a16-g128, lora-trainable-tokens"})
    final void onPackedWeights(String model, String adapter) throws IOException {
        Path packed = folder("quant-real/" + model);
        Path floats = temp.resolve(model + ".gguf");
        Converter.convert(packed, floats, Converter.Options.of(DType.F32), Converter.Progress.NONE);
        Path files = folder("quant-real/" + adapter);
        int[] prompt = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7};
        try (LLM beside = on(LLM.load(packed)).adapter("it", files).open(); LLM merged = on(LLM.load(floats)).mergeAdapter(files).open()) {
            float[] want = AdapterGoldens.logits(merged, prompt, Optional.empty());
            double worst = AdapterGoldens.difference(want, AdapterGoldens.logits(beside, prompt, Optional.of("it")));
            assertTrue(worst < packedTolerance(), worst + "");
            double plain = AdapterGoldens.difference(want, AdapterGoldens.logits(beside, prompt, Optional.empty()));
            assertTrue(plain > 10 * packedTolerance(), plain + " without it");
        }
    }
}
