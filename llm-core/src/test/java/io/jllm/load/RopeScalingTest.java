package io.jllm.load;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.jllm.ModelLoadException;
import io.jllm.json.ConfigJson;
import io.jllm.model.MapWeights;
import io.jllm.model.Rope;
import io.jllm.model.arch.Families;
import io.jllm.quant.gguf.GgufMetadata;
import io.jllm.quant.gguf.GgufValue;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** All kinds of scaling against the frequencies that transformers 5.18 computes, and from there to GGUF and back. */
class RopeScalingTest {
    private static final String SIZES = "\"hidden_size\": 64, \"intermediate_size\": 96, \"num_hidden_layers\": 1, \"num_attention_heads\": 4, "
            + "\"vocab_size\": 100, ";

    /** llama's keys in a GGUF file, and its tensors. */
    private final Map<String, GgufValue> keys = new LinkedHashMap<>();
    private final MapWeights weights = new MapWeights().put("token_embd.weight", 100, 64);

    private static FamilyModel folder(String more) {
        return HuggingFaceFamily.read(ConfigJson.parse("config.json", "{\"model_type\": \"llama\", " + SIZES + more + "}"), Families.all());
    }

    private static Rope rope(FamilyModel read) {
        return read.model().build(new MapWeights().put("output.weight", 1f)).config().rope();
    }

    @TestFactory
    Stream<DynamicTest> frequencies() throws IOException {
        try (var in = new InputStreamReader(RopeScalingTest.class.getResourceAsStream("rope.json"), StandardCharsets.UTF_8)) {
            return StreamSupport.stream(JsonParser.parseReader(in).getAsJsonArray().spliterator(), false).map(JsonElement::getAsJsonObject)
                    .map(c -> DynamicTest.dynamicTest(c.get("name").getAsString(), () -> check(c)));
        }
    }

    private void check(JsonObject c) {
        JsonObject parameters = c.getAsJsonObject("parameters");
        String more = "\"head_dim\": " + c.get("headDim") + ", \"max_position_embeddings\": " + c.get("context");
        var later = folder(more + ", \"rope_parameters\": " + parameters);
        same(c, rope(later), 1);
        JsonObject earlier = parameters.deepCopy();
        JsonElement theta = earlier.remove("rope_theta");
        earlier.add("type", earlier.remove("rope_type"));
        same(c, rope(folder(more + ", \"rope_theta\": " + theta + ", \"rope_scaling\": " + earlier)), 1);

        keys.clear();
        weights.remove("rope_freqs.weight").remove("rope_factors_short.weight").remove("rope_factors_long.weight");
        var form = later.gguf().orElseThrow();
        form.numbers().forEach((key, value) -> keys.put("llama." + key, value));
        form.vectors().forEach((name, values) -> {
            var floats = new float[values.size()];
            for (int i = 0; i < floats.length; i++) {
                floats[i] = values.get(i);
            }
            weights.put(name, floats);
        });
        same(c, rope(file()), 2);
    }

    private static void same(JsonObject c, Rope rope, int ulps) {
        for (JsonElement e : c.getAsJsonArray("at")) {
            JsonObject at = e.getAsJsonObject();
            Rope got = rope.at(at.get("length").getAsInt());
            assertEquals(at.get("attention").getAsFloat(), got.attentionFactor(), 1e-6f);
            for (int i = 0; i < got.invFreq().length; i++) {
                float want = at.getAsJsonArray("frequencies").get(i).getAsFloat();
                // the power of a base that grows is a float there, and rounded once more here
                assertEquals(want, got.invFreq()[i], ("dynamic".equals(c.get("name").getAsString()) ? 8 : ulps + 1) * Math.ulp(want), "frequency " + i);
            }
        }
    }

    private FamilyModel file() {
        keys.put("general.architecture", new GgufValue.Text("llama"));
        return GgufKeys.read("m.gguf", new GgufMetadata(keys), weights, Families.all());
    }

    private void base() {
        for (var e : Map.of("block_count", 1, "embedding_length", 64, "feed_forward_length", 96, "attention.head_count", 8, "context_length", 4096)
                .entrySet()) {
            keys.put("llama." + e.getKey(), new GgufValue.Int(GgufValue.Type.UINT32, e.getValue()));
        }
        real("attention.layer_norm_rms_epsilon", 1e-5);
    }

    private void real(String key, double value) {
        keys.put("llama." + key, new GgufValue.Real(GgufValue.Type.FLOAT32, value));
    }

    /** llama.cpp's own keys: its attention factor is one of the usual magnitude, of which a logarithm's multiplier takes a part away. */
    @Test
    void yarnOfLlamaCpp() {
        base();
        keys.put("llama.rope.scaling.type", new GgufValue.Text("yarn"));
        real("rope.scaling.factor", 4);
        double usual = 0.1 * Math.log(4) + 1;
        assertEquals(usual, rope(file()).attentionFactor(), 1e-6);
        real("rope.scaling.attn_factor", 0.5);
        assertEquals(usual / 2, rope(file()).attentionFactor(), 1e-6);
        real("rope.scaling.yarn_log_multiplier", 1);
        assertEquals(0.5, rope(file()).attentionFactor(), 1e-6);
        real("rope.scaling.yarn_log_multiplier", 0.5);
        assertEquals(usual / (0.05 * Math.log(4) + 1) / 2, rope(file()).attentionFactor(), 1e-6);
        var wide = rope(file()).invFreq();
        real("rope.scaling.yarn_beta_fast", 2);
        assertNotEquals(wide[2], rope(file()).invFreq()[2]);
        real("rope.scaling.yarn_ext_factor", 0.5);
        var e = assertThrows(ModelLoadException.class, this::file);
        assertEquals("m.gguf: llama.rope.scaling.yarn_ext_factor is 0.5; supported is 1", e.getMessage());
    }

    /** As files of Phi-3 have it: two tensors, an attention factor, and no word of the type. */
    @Test
    void longRopeOfLlamaCpp() {
        base();
        weights.put("rope_factors_short.weight", 1f, 1f, 2f, 2f).put("rope_factors_long.weight", 1f, 2f, 4f, 8f);
        real("rope.scaling.attn_factor", 1.25);
        keys.put("llama.rope.scaling.original_context_length", new GgufValue.Int(GgufValue.Type.UINT32, 100));
        float[] plain = Rope.frequencies(8, 10_000);
        Rope rope = rope(file());
        assertArrayEquals(new float[] {plain[0], plain[1], plain[2] / 2, plain[3] / 2}, rope.at(100).invFreq(), 1e-7f);
        assertArrayEquals(new float[] {plain[0], plain[1] / 2, plain[2] / 4, plain[3] / 8}, rope.at(101).invFreq(), 1e-7f);
        assertEquals(1.25f, rope.at(101).attentionFactor());
        weights.put("rope_factors_long.weight", 1f, 2f);
        assertTrue(assertThrows(ModelLoadException.class, this::file).getMessage().contains("rope_factors_long.weight has 2 values"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "\"rope_type\": \"longrope\", \"short_factor\": [1, 2], \"long_factor\": [1, 2] | short_factor has 2 values; it must have 8",
        "\"rope_type\": \"longrope\", \"short_factor\": 3 | short_factor must be a list of numbers, is 3",
        "\"rope_type\": \"longrope\", \"short_factor\": [1, 2, 3, 4, 5, 6, 7, -8] | short_factor is -8.0; it must be above 0",
        "\"rope_type\": \"yarn\", \"factor\": -2 | factor is -2.0; it must be above 0",
        "\"rope_type\": \"yarn\", \"factor\": 2, \"beta_fast\": -1 | beta_fast is -1.0; it must be above 0",
        "\"rope_type\": \"yarn\", \"factor\": 2, \"attention_factor\": 0 | attention_factor is 0.0; it must be above 0",
        "\"rope_type\": \"yarn\", \"factor\": 2, \"truncate\": 1 | truncate must be true or false, is 1",
        "\"rope_type\": \"yarn\", \"factor\": 2, \"original_max_position_embeddings\": 0 | original_max_position_embeddings is 0; it must be from 1",
        "\"rope_type\": \"proportional\", \"factor\": 2 | rope_type is \"proportional\"; supported are default, linear",
    })
    void badParametersAreNamed(String parameters, String message) {
        var e = assertThrows(ModelLoadException.class, () -> folder("\"rope_parameters\": {" + parameters + "}"));
        assertTrue(e.getMessage().contains("config.json: ") && e.getMessage().contains(message), e.getMessage());
    }
}
