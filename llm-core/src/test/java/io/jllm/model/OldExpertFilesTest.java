package io.jllm.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.jllm.ModelLoadException;
import io.jllm.convert.Converter;
import io.jllm.load.ModelFiles;
import io.jllm.quant.DType;
import io.jllm.quant.Encoder;
import io.jllm.quant.Tensor;
import io.jllm.quant.gguf.GgufFile;
import io.jllm.quant.gguf.GgufValue;
import io.jllm.quant.gguf.GgufWriter;
import io.jllm.quant.safetensors.HuggingFaceWeights;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** GGUF files as they were before experts were stacked and latent attention was split, and as they may be now: gate and up in one. */
class OldExpertFilesTest {
    @TempDir
    private Path temp;

    private Map<String, GgufValue> keys;
    private final List<Tensor> tensors = new ArrayList<>();

    private JsonObject model(String title) throws IOException {
        return ExpertSwitchesTest.models().stream().filter(m -> m.get("title").getAsString().equals(title)).findFirst().orElseThrow();
    }

    /** Converts, and takes tensors that are not stacked. */
    private void convert(Path folder) throws IOException {
        Path file = temp.resolve("new.gguf");
        Converter.convert(folder, file, Converter.Options.of(DType.F32), Converter.Progress.NONE);
        try (var gguf = GgufFile.open(file)) {
            keys = new LinkedHashMap<>(gguf.metadata().entries());
            for (String name : gguf.names()) {
                Tensor t = gguf.get(name);
                tensors.add(new Tensor(name, t.type(), t.rows(), t.cols(), MemorySegment.ofArray(t.data().toArray(ValueLayout.JAVA_BYTE))));
            }
        }
    }

    private Path write() throws IOException {
        Path file = temp.resolve("old.gguf");
        GgufWriter.write(file, keys, tensors.stream().map(t -> new GgufWriter.TensorEntry(t.name(), t.type(),
                t.rows() == 1 ? List.of(t.cols()) : List.of(t.cols(), t.rows()), out -> out.write(t.data().asByteBuffer()))).toList(),
                GgufWriter.Progress.NONE);
        return file;
    }

    private void check(Path file, JsonObject model, String family) {
        try (var loaded = ModelFiles.open(file)) {
            assertEquals(family, loaded.config().architecture());
            ExpertSwitchesTest.same(model.getAsJsonArray("logits").get(1).getAsJsonArray(), ExpertSwitchesTest.logits(loaded, 9), file.toString());
        }
    }

    private void split(int experts) {
        for (Tensor t : List.copyOf(tensors)) {
            if (t.name().endsWith("_exps.weight")) {
                tensors.remove(t);
                long rows = t.rows() / experts;
                for (int e = 0; e < experts; e++) {
                    tensors.add(t.rows(t.name().replace("_exps", "." + e), e * rows, (e + 1) * rows));
                }
            }
        }
    }

    @Test
    void expertsOneByOne() throws IOException {
        var model = model("mixtral with a window");
        convert(FormulaFolder.write(temp.resolve("m"), model));
        split(3);
        check(write(), model, "mixtral");
        assertTrue(tensors.removeIf(t -> t.name().equals("blk.1.ffn_up.1.weight")));
        String message = assertThrows(ModelLoadException.class, () -> ModelFiles.open(write())).getMessage();
        assertTrue(message.contains("the model has 3 experts, and there is blk.1.ffn_up.0.weight, but none of number 1"), message);
    }

    @Test
    void gateAndUpInOne() throws IOException {
        var model = model("granitemoe with biases");
        convert(FormulaFolder.write(temp.resolve("g"), model));
        for (int l = 0; l < 2; l++) {
            Tensor gate = take("blk." + l + ".ffn_gate_exps.weight");
            Tensor up = take("blk." + l + ".ffn_up_exps.weight");
            var both = MemorySegment.ofArray(new byte[Math.toIntExact(2 * gate.bytes())]);
            long expert = gate.bytes() / 4;
            for (int e = 0; e < 4; e++) {
                MemorySegment.copy(gate.data(), e * expert, both, 2 * e * expert, expert);
                MemorySegment.copy(up.data(), e * expert, both, (2 * e + 1) * expert, expert);
            }
            tensors.add(new Tensor("blk." + l + ".ffn_gate_up_exps.weight", gate.type(), 2 * gate.rows(), gate.cols(), both));
        }
        check(write(), model, "granitemoe");
    }

    private Tensor take(String name) {
        Tensor t = tensors.stream().filter(x -> x.name().equals(name)).findFirst().orElseThrow();
        tensors.remove(t);
        return t;
    }

    /** Sizes are those of heads then, and the matrix that keys and values come from may be in blocks, which cannot be transposed. */
    @Test
    void latentAttentionInOneMatrix() throws IOException {
        var model = model("deepseek_v2 with groups, biases and yarn");
        Path folder = FormulaFolder.write(temp.resolve("d"), model);
        convert(folder);
        keys.remove("deepseek2.attention.key_length_mla");
        keys.remove("deepseek2.attention.value_length_mla");
        keys.remove("deepseek2.expert_gating_func");
        number("deepseek2.attention.key_length", 12);
        number("deepseek2.attention.value_length", 12);
        number("deepseek2.attention.head_count_kv", 4);
        tensors.removeIf(t -> t.name().endsWith(".attn_k_b.weight") || t.name().endsWith(".attn_v_b.weight"));
        try (var weights = HuggingFaceWeights.open(folder)) {
            for (int l = 0; l < 3; l++) {
                Tensor t = weights.tensor("model.layers." + l + ".self_attn.kv_b_proj.weight");
                tensors.add(t.named("blk." + l + ".attn_kv_b.weight"));
            }
            check(write(), model, "deepseek_v2");
        }
    }

    private void number(String key, int value) {
        keys.put(key, new GgufValue.Int(GgufValue.Type.UINT32, value));
    }

    /** A matrix in blocks gives the values that it holds. */
    @Test
    void latentAttentionInBlocks() throws IOException {
        var model = model("deepseek_v3 with halves and biases");
        var json = model.deepCopy();
        json.getAsJsonObject("config").addProperty("kv_lora_rank", 32);
        json.getAsJsonArray("tensors").forEach(t -> {
            var shape = t.getAsJsonArray().get(3).getAsJsonArray();
            String name = t.getAsJsonArray().get(0).getAsString();
            if (name.contains("kv_a_layernorm")) {
                shape.set(0, new JsonPrimitive(32));
            } else if (name.contains("kv_a_proj")) {
                shape.set(0, new JsonPrimitive(36));
            } else if (name.contains("kv_b_proj")) {
                shape.set(1, new JsonPrimitive(32));
            }
        });
        Path folder = FormulaFolder.write(temp.resolve("b"), json);
        convert(folder);
        tensors.removeIf(t -> t.name().endsWith(".attn_k_b.weight") || t.name().endsWith(".attn_v_b.weight"));
        float[] want;
        float[] got;
        var blocks = new ArrayList<Tensor>();
        try (var weights = HuggingFaceWeights.open(folder)) {
            for (int l = 0; l < 2; l++) {
                Tensor t = weights.tensor("model.layers." + l + ".self_attn.kv_b_proj.weight");
                var values = new float[Math.toIntExact(t.rows() * t.cols())];
                t.decode(0, (int) t.rows(), values, 0);
                var stored = MemorySegment.ofArray(new byte[Math.toIntExact(DType.Q8_0.bytes(values.length))]);
                Encoder.of(DType.Q8_0).orElseThrow().encode(values, 0, values.length, stored, 0);
                blocks.add(new Tensor("blk." + l + ".attn_kv_b.weight", DType.Q8_0, t.rows(), t.cols(), stored));
            }
        }
        tensors.addAll(blocks);
        try (var loaded = ModelFiles.open(write())) {
            got = ExpertSwitchesTest.logits(loaded, 9);
        }
        tensors.removeAll(blocks);
        for (Tensor b : blocks) {
            var values = new float[Math.toIntExact(b.rows() * b.cols())];
            b.decode(0, (int) b.rows(), values, 0);
            var floats = MemorySegment.ofArray(new byte[4 * values.length]);
            MemorySegment.copy(values, 0, floats, ValueLayout.JAVA_FLOAT_UNALIGNED, 0, values.length);
            tensors.add(new Tensor(b.name(), DType.F32, b.rows(), b.cols(), floats));
        }
        try (var loaded = ModelFiles.open(write())) {
            want = ExpertSwitchesTest.logits(loaded, 9);
        }
        for (int i = 0; i < want.length; i++) {
            assertEquals(want[i], got[i], 1e-5, "logit " + i);
        }
    }
}
