package io.jllm.load;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.ModelLoadException;
import io.jllm.model.MapWeights;
import io.jllm.model.ModelConfig;
import io.jllm.model.Rope;
import io.jllm.model.arch.Families;
import io.jllm.quant.gguf.GgufMetadata;
import io.jllm.quant.gguf.GgufValue;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class GgufKeysTest {
    private final Map<String, GgufValue> keys = new LinkedHashMap<>();
    private final MapWeights weights = new MapWeights().put("token_embd.weight", 100, 64);

    GgufKeysTest() {
        keys.put("general.architecture", new GgufValue.Text("llama"));
        integer("block_count", 4);
        integer("embedding_length", 64);
        integer("feed_forward_length", 96);
        integer("attention.head_count", 8);
        integer("context_length", 2048);
        real("attention.layer_norm_rms_epsilon", 1e-5);
    }

    private void integer(String key, long value) {
        keys.put("llama." + key, new GgufValue.Int(GgufValue.Type.INT64, value));
    }

    private void real(String key, double value) {
        keys.put("llama." + key, new GgufValue.Real(GgufValue.Type.FLOAT32, value));
    }

    private ModelConfig read() {
        return read(keys);
    }

    private ModelConfig read(Map<String, GgufValue> metadata) {
        return GgufKeys.read("m.gguf", new GgufMetadata(metadata), weights, Families.all()).model().build(new MapWeights().put("output.weight", 1f))
                .config();
    }

    private void fails(String message) {
        var e = assertThrows(ModelLoadException.class, this::read);
        assertTrue(e.getMessage().contains(message), e.getMessage());
        assertTrue(e.getMessage().startsWith("m.gguf: "), e.getMessage());
    }

    @Test
    void absentKeysMeanWhatLlamaCppAssumes() {
        var c = read();
        assertEquals(8, c.kvHeads());
        assertEquals(8, c.headDim());
        assertEquals(100, c.vocab());
        assertEquals(List.of(0, 0, 0, 0), c.windows());
        assertEquals(Rope.Layout.INTERLEAVED, c.rope().layout());
        assertArrayEquals(io.jllm.model.Rope.frequencies(8, 10_000), c.rope().invFreq());
    }

    @Test
    void givenKeysAreRead() {
        integer("attention.head_count_kv", 2);
        integer("attention.key_length", 32);
        integer("attention.value_length", 32);
        integer("rope.dimension_count", 16);
        integer("attention.sliding_window", 7);
        integer("vocab_size", 99);
        real("rope.freq_base", 500_000);
        var c = read();
        assertEquals(new ModelConfig("llama", 4, 64, 96, 8, 2, 32, 100, 2048, 1e-5f, c.rope(), List.of(7, 7, 7, 7), false,
                ModelConfig.Biases.NONE), c);
        assertArrayEquals(io.jllm.model.Rope.frequencies(16, 500_000), c.rope().invFreq());
    }

    @Test
    void qwenRotatesHalves() {
        var qwen = new LinkedHashMap<String, GgufValue>();
        keys.forEach((k, v) -> qwen.put(k.replace("llama.", "qwen2."), v));
        qwen.put("general.architecture", new GgufValue.Text("qwen2"));
        var c = read(qwen);
        assertEquals("qwen2", c.architecture());
        assertEquals(Rope.Layout.NEOX, c.rope().layout());
        assertEquals(new ModelConfig.Biases(true, false, false), c.biases());
    }

    @Test
    void linearScalingAndFactorsDivideTheFrequencies() {
        var plain = read().rope().invFreq();
        keys.put("llama.rope.scaling.type", new GgufValue.Text("linear"));
        real("rope.scaling.factor", 4);
        weights.put("rope_freqs.weight", 1f, 2f, 4f, 8f);
        assertArrayEquals(new float[] {plain[0] / 4, plain[1] / 8, plain[2] / 16, plain[3] / 32}, read().rope().invFreq());
    }

    /** llama.cpp divides by the factor unless the file says that nothing is scaled. */
    @Test
    void aFactorWithoutATypeIsLinear() {
        var plain = read().rope().invFreq();
        real("rope.scaling.factor", 4);
        assertEquals(plain[1] / 4, read().rope().invFreq()[1]);
        keys.put("llama.rope.scaling.type", new GgufValue.Text("none"));
        assertArrayEquals(plain, read().rope().invFreq());
        keys.remove("llama.rope.scaling.type");
        keys.remove("llama.rope.scaling.factor");
        real("rope.scale_linear", 2);
        assertEquals(plain[1] / 2, read().rope().invFreq()[1]);
    }

    @Test
    void anUnsaidContextIsNoReasonNotToLoad() {
        for (long context : new long[] {0, 0xffff_ffffL, -1, Integer.MAX_VALUE}) {
            integer("context_length", context);
            try (var warnings = new Warnings()) {
                assertEquals(4096, read().maxContext());
                warnings.one("m.gguf: llama.context_length is " + context, "4096");
            }
        }
        keys.remove("llama.context_length");
        try (var warnings = new Warnings()) {
            assertEquals(4096, read().maxContext());
            warnings.one("m.gguf: llama.context_length is missing", "4096");
        }
        integer("context_length", 10_485_760);
        try (var warnings = new Warnings()) {
            assertEquals(10_485_760, read().maxContext());
            warnings.none();
        }
        keys.put("llama.context_length", new GgufValue.Text("2048"));
        fails("llama.context_length must be an integer");
    }

    @Test
    void normsWithoutAnEpsilon() {
        real("attention.layer_norm_rms_epsilon", 0);
        assertEquals(0, read().normEps());
        keys.remove("llama.attention.layer_norm_rms_epsilon");
        fails("llama.attention.layer_norm_rms_epsilon is missing");
    }

    @Test
    void filesThatBelongToModelsAreNamed() {
        keys.put("general.type", new GgufValue.Text("model"));
        read();
        keys.put("general.type", new GgufValue.Text("adapter"));
        keys.put("general.architecture", new GgufValue.Text("clip"));
        fails("general.type is \"adapter\": the file is no model");
    }

    @Test
    void arraysOfEqualHeadCountsAreOne() {
        keys.put("llama.attention.head_count_kv", new GgufValue.Ints(GgufValue.Type.INT32, new long[] {2, 2, 2, 2}));
        assertEquals(2, read().kvHeads());
        keys.put("llama.attention.head_count_kv", new GgufValue.Ints(GgufValue.Type.INT32, new long[] {2, 4, 2, 2}));
        fails("llama.attention.head_count_kv differs between layers (2 and 4)");
        keys.put("llama.attention.head_count_kv", new GgufValue.Ints(GgufValue.Type.INT32, new long[] {2}));
        fails("llama.attention.head_count_kv has 1 values; block_count is 4");
    }

    @Test
    void windowPatterns() {
        integer("attention.sliding_window", 7);
        keys.put("llama.attention.sliding_window_pattern", new GgufValue.Bools(new boolean[] {true, false, true, true}));
        assertEquals(List.of(7, 0, 7, 7), read().windows());
        integer("attention.sliding_window_pattern", 2);
        assertEquals(List.of(7, 0, 7, 0), read().windows());
        keys.put("llama.attention.sliding_window_pattern", new GgufValue.Bools(new boolean[3]));
        fails("sliding_window_pattern must be a number or an array of 4 booleans");
    }

    @Test
    void absurdNumbersAreRefused() {
        integer("block_count", 4_000_000_000L);
        fails("llama.block_count is 4000000000; it must be from 1 to 10000");
        integer("block_count", 4);
        integer("attention.head_count", 0);
        fails("llama.attention.head_count is 0");
        integer("attention.head_count", 8);
        integer("attention.head_count_kv", 3);
        fails("llama.attention.head_count is 8, which llama.attention.head_count_kv 3 does not divide");
        integer("attention.head_count_kv", 8);
        integer("attention.key_length", 9);
        fails("llama.attention.key_length is 9; it must be even");
        integer("attention.key_length", 8);
        integer("attention.value_length", 16);
        fails("llama.attention.value_length is 16; it must equal attention.key_length, 8");
        integer("attention.value_length", 8);
        integer("rope.dimension_count", 10);
        fails("llama.rope.dimension_count is 10; it must be from 2 to 8");
        integer("rope.dimension_count", 8);
        real("rope.freq_base", Double.NaN);
        fails("llama.rope.freq_base is NaN");
        real("rope.freq_base", 10_000);
        real("attention.layer_norm_rms_epsilon", -1);
        fails("llama.attention.layer_norm_rms_epsilon is -1.0");
        real("attention.layer_norm_rms_epsilon", Double.NaN);
        fails("llama.attention.layer_norm_rms_epsilon is NaN");
    }

    @Test
    void whatIsNotSupportedIsNamed() {
        keys.put("llama.rope.scaling.type", new GgufValue.Text("cubic"));
        fails("llama.rope.scaling.type is \"cubic\"; supported are none, linear, yarn and longrope");
        keys.remove("llama.rope.scaling.type");
        integer("expert_count", 8);
        fails("llama.expert_used_count is missing");
        keys.put("llama.expert_count", new GgufValue.Text("8"));
        fails("llama.expert_count");
        keys.put("general.architecture", new GgufValue.Text("palm"));
        fails("unknown model family \"palm\"; supported are llama, mistral, qwen2, qwen3, seed_oss, smollm3, ernie4_5, ");
        keys.remove("general.architecture");
        fails("general.architecture is missing");
    }

    @Test
    void brokenTensors() {
        weights.put("rope_freqs.weight", 1f, 2f);
        fails("rope_freqs.weight has 2 values of type F32; it must have 4 of type F32");
        weights.put("rope_freqs.weight", 1f, 2f, 0f, 1f);
        fails("rope_freqs.weight value 2 is 0.0");
        weights.remove("rope_freqs.weight").put("output_norm.weight", 1f).remove("token_embd.weight");
        fails("the tensor token_embd.weight is missing");
        weights.remove("output_norm.weight");
        fails("a vocabulary only");
    }
}
