package io.jllm.quant.safetensors;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.jllm.quant.DType;
import io.jllm.quant.FormatException;
import io.jllm.quant.Grouped;
import io.jllm.quant.Hex;
import io.jllm.quant.Weights;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Packed weights that the libraries' own code made, which say what values it unpacks. */
class PackedVectorsTest {
    @TempDir
    private Path dir;

    private static List<JsonObject> cases(String file) throws IOException {
        Path path = Path.of(System.getProperty("jllm.shared", ""), "vectors", file);
        assumeTrue(!System.getProperty("jllm.shared", "").isEmpty() && Files.exists(path), "needs vectors/" + file + " under -Djllm.shared");
        var all = new ArrayList<JsonObject>();
        for (JsonElement c : JsonParser.parseString(Files.readString(path)).getAsJsonObject().getAsJsonArray("cases")) {
            all.add(c.getAsJsonObject());
        }
        return all;
    }

    private static List<Integer> shape(JsonObject t) {
        return t.getAsJsonArray("shape").asList().stream().map(JsonElement::getAsInt).toList();
    }

    private HuggingFaceWeights open(Safetensors file, PackedForm form) throws IOException {
        Files.write(dir.resolve("model.safetensors"), file.bytes());
        return HuggingFaceWeights.open(dir, HuggingFaceNames.LLAMA, Optional.empty(), Optional.of(form));
    }

    /** All values: by the oracle, and by what reads whole rows as they are stored. */
    private static float[] values(Weights w) {
        var all = new float[Math.toIntExact(w.rows() * w.cols())];
        w.decode(0, Math.toIntExact(w.rows()), all, 0);
        if (w instanceof Grouped g) {
            var stored = MemorySegment.ofArray(new byte[Math.toIntExact(w.bytes())]);
            w.read(0, w.rows(), stored);
            var again = new float[all.length];
            for (int r = 0; r < w.rows(); r++) {
                g.grouping().decode(stored, r * w.rowBytes(), again, Math.toIntExact(r * w.cols()), Math.toIntExact(w.cols()));
            }
            assertArrayEquals(all, again);
            var last = new float[Math.toIntExact(w.cols())];
            g.rows(w.rows() - 1, w.rows()).decode(0, 1, last, 0);
            assertEquals(all[all.length - 1], last[last.length - 1]);
        }
        return all;
    }

    private static Safetensors packed(JsonObject c) {
        JsonObject words = c.getAsJsonObject("qweight");
        JsonObject zeros = c.getAsJsonObject("qzeros");
        JsonObject scales = c.getAsJsonObject("scales_f16");
        return new Safetensors().add("x.qweight", "I32", shape(words), Hex.bytes(words.get("hex_i32").getAsString()))
                .add("x.qzeros", "I32", shape(zeros), Hex.bytes(zeros.get("hex_i32").getAsString()))
                .add("x.scales", "F16", shape(scales), Hex.bytes(scales.get("hex").getAsString()));
    }

    @Test
    void gptq() throws IOException {
        int tested = 0;
        for (JsonObject c : cases("gptq_awq_vectors.json")) {
            if (!c.get("kind").getAsString().equals("gptq")) {
                continue;
            }
            var file = packed(c);
            var order = c.getAsJsonArray("g_idx");
            var indices = ByteBuffer.allocate(order.size() * Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
            order.forEach(i -> indices.putInt(i.getAsInt()));
            file.add("x.g_idx", "I32", List.of(order.size()), indices.array());
            try (var w = open(file, new PackedForm.Gptq(true, c.get("group_size").getAsLong()))) {
                assertArrayEquals(Hex.floats(c.get("dequant_out_in_f32_hex").getAsString()), values(w.get("x.weight")), c.get("bits").toString());
                tested++;
            }
        }
        assertEquals(16, tested);
    }

    @Test
    void awq() throws IOException {
        int tested = 0;
        for (JsonObject c : cases("gptq_awq_vectors.json")) {
            if (!c.get("kind").getAsString().equals("awq_gemm")) {
                continue;
            }
            try (var w = open(packed(c), new PackedForm.Awq(false, c.get("group_size").getAsLong()))) {
                float[] transposed = Hex.floats(c.get("dequant_in_out_f32_hex").getAsString());
                Weights weights = w.get("x.weight");
                var want = new float[transposed.length];
                for (int r = 0; r < weights.rows(); r++) {
                    for (int k = 0; k < weights.cols(); k++) {
                        want[Math.toIntExact(r * weights.cols() + k)] = transposed[Math.toIntExact(k * weights.rows() + r)];
                    }
                }
                assertArrayEquals(want, values(weights));
                tested++;
            }
        }
        assertEquals(3, tested);
    }

    /** With blocks that go on from one row into the next, too. */
    @Test
    void fourBitFloats() throws IOException {
        int tested = 0;
        for (JsonObject c : cases("bnb_vectors.json")) {
            if (!c.get("kind").getAsString().equals("linear4bit")) {
                continue;
            }
            JsonObject packed = c.getAsJsonObject("packed_weight");
            var file = new Safetensors().add("x.weight", "U8", shape(packed), Hex.bytes(packed.get("hex").getAsString()));
            for (var t : c.getAsJsonObject("tensors").entrySet()) {
                if (!t.getKey().startsWith("quant_state")) {
                    JsonObject o = t.getValue().getAsJsonObject();
                    String dtype = o.get("dtype").getAsString().equals("uint8") ? "U8" : "F32";
                    file.add("x.weight." + t.getKey(), dtype, shape(o), Hex.bytes(o.get("hex").getAsString()));
                }
            }
            JsonElement said = c.get("quant_state_json");
            byte[] state = (said.isJsonPrimitive() ? said.getAsString() : said.toString()).getBytes(StandardCharsets.UTF_8);
            file.add("x.weight.quant_state.bitsandbytes__" + c.get("quant_type").getAsString(), "U8", List.of(state.length), state);
            try (var w = open(file, new PackedForm.Gptq(true, 128))) {
                float[] want = Hex.floats(c.get("dequant_f32_hex").getAsString());
                float[] got = values(w.get("x.weight"));
                for (int i = 0; i < want.length; i++) {
                    float rounded = switch (c.get("weight_dtype").getAsString()) {
                        case "float16" -> Float.float16ToFloat(Float.floatToFloat16(got[i]));
                        case "bfloat16" -> Hex.decode(DType.BF16, Hex.encode(DType.BF16, new float[] {got[i]}))[0];
                        default -> got[i];
                    };
                    assertEquals(want[i], rounded, c.get("quant_type") + " value " + i);
                }
                tested++;
            }
        }
        assertEquals(24, tested);
    }

    private static Safetensors gptq(int rows, int cols) {
        return new Safetensors().add("x.qweight", "I32", List.of(cols / 8, rows), new byte[cols / 2 * rows])
                .add("x.scales", "F16", List.of(1, rows), new byte[2 * rows]);
    }

    @Test
    void brokenPartsAreNamed() {
        said(gptq(8, 32), new PackedForm.Gptq(true, 32), "needs x.qzeros, which is missing");
        said(gptq(8, 32).add("x.qzeros", "I32", List.of(1, 3), new byte[12]), new PackedForm.Gptq(true, 32), "does not fit");
        said(gptq(8, 32).add("x.qzeros", "I32", List.of(1, 1), new byte[4]).add("x.g_idx", "I32", List.of(2), new byte[] {9, 0, 0, 0, 0, 0, 0, 0}),
                new PackedForm.Gptq(true, 32), "has groups that do not fit");
        said(gptq(8, 32).add("x.qzeros", "F32", List.of(1, 1), new byte[4]), new PackedForm.Gptq(true, 32), "is of type F32; here it must be [I32]");
        said(new Safetensors().add("x.weight", "U8", List.of(16, 1), new byte[16]).add("x.weight.quant_state.bitsandbytes__nf4", "U8", List.of(2),
                "{}".getBytes(StandardCharsets.UTF_8)), new PackedForm.Gptq(true, 32), "says shape [] and blocksize 0");
        said(new Safetensors().add("x.weight", "I8", List.of(2, 2), new byte[4]).add("x.SCB", "F32", List.of(3), new byte[12]),
                new PackedForm.Gptq(true, 32), "SCB has 3 scales");
        said(new Safetensors().add("x.weight", "I8", List.of(2, 2), new byte[4]).add("x.SCB", "F32", List.of(2), new byte[8])
                .add("x.weight_format", "U8", List.of(), new byte[] {2}), new PackedForm.Gptq(true, 32), "is not 0 (row)");
        said(new Safetensors().add("mlp.act.scales", "F16", List.of(2), new byte[4]), new PackedForm.Awq(false, 32), "activations are to be divided");
    }

    private void said(Safetensors file, PackedForm form, String words) {
        String message = assertThrows(FormatException.class, () -> open(file, form).close()).getMessage();
        assertTrue(message.contains(words), message);
    }
}
