package io.jllm.model;

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
import io.jllm.quant.DType;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import java.util.zip.CRC32;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/**
 * Tiny models of families with switches that no other test has, as folders and as the GGUF files that are made of them, against what their authors'
 * code computes: {@code io/jllm/switches/README.md} among the test resources.
 */
public abstract class SwitchContract {
    @TempDir
    private Path temp;

    /** Opens a model on the backend that is tested. */
    protected abstract LLM open(Path model);

    /** Largest difference of a logit, relative to the root mean square of all. */
    protected double tolerance() {
        return 1e-4;
    }

    /** Every model, in both forms. */
    @TestFactory
    final Stream<DynamicTest> switches() throws IOException {
        try (Reader in = new InputStreamReader(SwitchContract.class.getResourceAsStream("/io/jllm/switches/gpt.json"), StandardCharsets.UTF_8)) {
            JsonArray all = JsonParser.parseReader(in).getAsJsonArray();
            return StreamSupport.stream(all.spliterator(), false).map(JsonElement::getAsJsonObject)
                    .map(m -> DynamicTest.dynamicTest(m.get("name").getAsString(), () -> check(m)));
        }
    }

    private void check(JsonObject model) throws IOException {
        Path folder = Files.createTempDirectory(temp, "model");
        Files.writeString(folder.resolve("config.json"), model.get("config").toString());
        safetensors(folder.resolve("model.safetensors"), model.getAsJsonObject("tensors"), model.get("lessOne").getAsBoolean());
        Path file = temp.resolve(folder.getFileName() + ".gguf");
        Converter.convert(folder, file, Converter.Options.of(DType.F32), Converter.Progress.NONE);
        check(folder, model);
        check(file, model);
        assertEquals(-1, Files.mismatch(quantised(folder), quantised(file)), "a folder and its file become the same");
    }

    private Path quantised(Path model) throws IOException {
        Path file = temp.resolve(model.getFileName() + ".q8.gguf");
        Converter.convert(model, file, Converter.Options.of(DType.Q8_0), Converter.Progress.NONE);
        return file;
    }

    private void check(Path path, JsonObject model) {
        var last = new AtomicReference<float[]>();
        LogitsProcessor keep = (tokens, prompt, length, logits) -> last.set(logits.clone());
        try (LLM llm = open(path)) {
            int vocab = llm.config().vocab();
            int[] ids = IntStream.range(0, model.get("length").getAsInt()).map(i -> (7 * i * i + 3 * i + 1) % vocab).toArray();
            llm.generate(List.of(Prompt.ofTokens(ids)), SamplingParams.builder().temperature(0).ignoreEos(true).maxTokens(1)
                    .logitsProcessor(() -> keep).build());
        }
        JsonArray want = model.getAsJsonArray("logits");
        assertTrue(want.size() >= 8, "logits");
        for (int i = 0; i < want.size(); i++) {
            assertEquals(want.get(i).getAsDouble(), last.get()[i], tolerance() * model.get("rms").getAsDouble(), path + ", logit " + i);
        }
    }

    private static void safetensors(Path file, JsonObject tensors, boolean lessOne) throws IOException {
        var header = new JsonObject();
        long at = 0;
        for (String name : tensors.keySet()) {
            var entry = new JsonObject();
            entry.addProperty("dtype", "F32");
            entry.add("shape", tensors.get(name));
            var offsets = new JsonArray();
            offsets.add(at);
            at += 4L * size(tensors.getAsJsonArray(name));
            offsets.add(at);
            entry.add("data_offsets", offsets);
            header.add(name, entry);
        }
        byte[] head = header.toString().getBytes(StandardCharsets.UTF_8);
        var out = ByteBuffer.allocate(Math.toIntExact(8 + head.length + at)).order(ByteOrder.LITTLE_ENDIAN);
        out.putLong(head.length).put(head);
        for (String name : tensors.keySet()) {
            JsonArray shape = tensors.getAsJsonArray(name);
            for (int i = 0; i < size(shape); i++) {
                out.putFloat(value(name, i, shape.size(), lessOne));
            }
        }
        Files.write(file, out.array());
    }

    private static int size(JsonArray shape) {
        return StreamSupport.stream(shape.spliterator(), false).mapToInt(JsonElement::getAsInt).reduce(1, Math::multiplyExact);
    }

    private static float value(String name, int place, int dimensions, boolean lessOne) {
        float even = even(name, place);
        if (dimensions > 1) {
            return name.contains("emb") || name.contains("wte") || name.contains("wpe") ? 4 * even : even;
        }
        return name.endsWith("bias") || lessOne && name.contains("norm.weight") ? even / 2 : 1 + even / 2;
    }

    private static float even(String name, int place) {
        var crc = new CRC32();
        crc.update(name.getBytes(StandardCharsets.UTF_8));
        int x = (int) (place * 2_654_435_761L + crc.getValue());
        x = (x ^ x >>> 16) * 0x7feb352d;
        x = (x ^ x >>> 15) * 0x846ca68b;
        x ^= x >>> 16;
        return (x >>> 8) / (float) (1 << 24) - 0.5f;
    }
}
