package io.jllm.model;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.gson.JsonNull;
import com.google.gson.JsonPrimitive;
import io.jllm.convert.Converter;
import io.jllm.load.ModelFiles;
import io.jllm.quant.DType;
import io.jllm.quant.gguf.GgufFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What conversion makes of mixtures of experts: formats, dimensions, and what a null means. */
class ExpertTypesTest {
    @TempDir
    private Path temp;

    private Path folder(String title) throws IOException {
        return FormulaFolder.write(temp.resolve("m"), ExpertSwitchesTest.models().stream().filter(m -> m.get("title").getAsString().equals(title))
                .findFirst().orElseThrow());
    }

    private GgufFile converted(Path folder, Converter.Options options) throws IOException {
        Path file = temp.resolve("m.gguf");
        Converter.convert(folder, file, options, Converter.Progress.NONE);
        return GgufFile.open(file);
    }

    private static List<DType> types(GgufFile file, String... names) {
        return List.of(names).stream().map(n -> file.get(n).type()).toList();
    }

    @Test
    void expertsInMxfp4AndTheRestInBytes() throws IOException {
        try (var file = converted(folder("gpt_oss without biases, other layers"), Converter.Options.of(DType.MXFP4))) {
            assertEquals(List.of(DType.MXFP4, DType.MXFP4, DType.MXFP4, DType.Q8_0, DType.Q8_0, DType.Q8_0, DType.F32, DType.F32, DType.F32),
                    types(file, "blk.0.ffn_gate_exps.weight", "blk.0.ffn_up_exps.weight", "blk.1.ffn_down_exps.weight", "blk.0.attn_q.weight",
                            "token_embd.weight", "output.weight", "blk.0.ffn_gate_inp.weight", "blk.0.ffn_gate_exps.bias", "blk.0.attn_sinks.weight"));
            assertEquals(38, file.metadata().integer("general.file_type").orElseThrow());
            var shape = file.tensorInfos().stream().filter(t -> t.name().equals("blk.0.ffn_gate_exps.weight")).findFirst().orElseThrow().shape();
            assertEquals(List.of(32L, 32L, 4L), shape);
        }
        try (var file = converted(folder("gpt_oss without biases, other layers"), Converter.Options.of(DType.MXFP4).pure(true))) {
            assertEquals(List.of(DType.MXFP4, DType.MXFP4), types(file, "blk.0.attn_q.weight", "token_embd.weight"));
        }
    }

    @Test
    void eightExpertsHaveKeysAndValuesInBytes() throws IOException {
        try (var file = converted(folder("deepseek_v3 with queries from a vector and yarn"), Converter.Options.of(DType.Q4_0))) {
            assertEquals(List.of(32L, 16L, 8L), file.tensorInfos().stream().filter(t -> t.name().equals("blk.1.ffn_up_exps.weight")).findFirst()
                    .orElseThrow().shape());
            assertEquals(List.of(8L, 16L, 4L), file.tensorInfos().stream().filter(t -> t.name().equals("blk.0.attn_k_b.weight")).findFirst()
                    .orElseThrow().shape());
        }
        var model = ExpertSwitchesTest.models().stream().filter(m -> m.get("title").getAsString().startsWith("qwen3_moe")).findFirst().orElseThrow();
        for (int experts : new int[] {4, 8}) {
            model.getAsJsonObject("config").addProperty("num_experts", experts);
            model.getAsJsonArray("tensors").forEach(t -> {
                var parts = t.getAsJsonArray();
                if (parts.get(2).getAsInt() > 0) {
                    parts.set(2, new JsonPrimitive(experts));
                } else if (parts.get(0).getAsString().endsWith("mlp.gate.weight")) {
                    parts.get(3).getAsJsonArray().set(0, new JsonPrimitive(experts));
                }
            });
            model.getAsJsonObject("config").remove("num_local_experts");
            try (var file = converted(FormulaFolder.write(temp.resolve("q" + experts), model), Converter.Options.of(DType.Q4_0))) {
                var narrow = experts == 8 ? DType.Q8_0 : DType.Q4_0;
                assertEquals(List.of(DType.Q4_0, narrow, narrow, DType.Q4_0), types(file, "blk.0.attn_q.weight", "blk.0.attn_k.weight",
                        "blk.0.attn_v.weight", "blk.0.attn_output.weight"));
            }
        }
    }

    /** Without chunks, which llama.cpp's files never say. */
    @Test
    void aNullIsKept() throws IOException {
        var model = ExpertSwitchesTest.models().stream().filter(m -> m.get("title").getAsString().equals("llama4 with dense layers")).findFirst()
                .orElseThrow();
        model.getAsJsonObject("config").add("attention_chunk_size", JsonNull.INSTANCE);
        Path folder = FormulaFolder.write(temp.resolve("n"), model);
        try (var a = ModelFiles.open(folder)) {
            assertEquals(List.of(0, 0, 0, 0), a.config().windows());
        }
        converted(folder, Converter.Options.of(DType.F32)).close();
        try (var b = ModelFiles.open(temp.resolve("m.gguf"))) {
            assertEquals(List.of(0, 0, 0, 0), b.config().windows());
        }
    }
}
