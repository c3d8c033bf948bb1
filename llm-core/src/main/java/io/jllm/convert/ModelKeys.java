package io.jllm.convert;

import io.jllm.SamplingParams;
import io.jllm.load.HuggingFaceConfig;
import io.jllm.load.RopeScaling;
import io.jllm.model.ModelConfig;
import io.jllm.quant.gguf.GgufValue;
import java.util.LinkedHashMap;
import java.util.Map;

/** Collects GGUF metadata: names and types of the keys are llama.cpp's. */
final class ModelKeys {
    private final Map<String, GgufValue> keys = new LinkedHashMap<>();
    private final String family;

    ModelKeys(String family) {
        this.family = family;
    }

    Map<String, GgufValue> map() {
        return keys;
    }

    void putAll(Map<String, GgufValue> more) {
        keys.putAll(more);
    }

    void model(String name, HuggingFaceConfig file, ModelConfig c) {
        keys.put("general.architecture", new GgufValue.Text(family));
        keys.put("general.name", new GgufValue.Text(name));
        integer("context_length", c.maxContext());
        integer("embedding_length", c.hidden());
        integer("block_count", c.layers());
        integer("feed_forward_length", c.ffn());
        integer("attention.head_count", c.heads());
        integer("attention.head_count_kv", c.kvHeads());
        if ((long) c.headDim() * c.heads() != c.hidden()) {
            integer("attention.key_length", c.headDim());
            integer("attention.value_length", c.headDim());
        }
        real("attention.layer_norm_rms_epsilon", c.normEps());
        windows(c);
        real("rope.freq_base", file.ropeTheta());
        integer("rope.dimension_count", c.rope().rotaryDim());
        if (file.scaling() instanceof RopeScaling.Linear linear) {
            keys.put(family + ".rope.scaling.type", new GgufValue.Text("linear"));
            real("rope.scaling.factor", linear.factor());
        }
        integer("vocab_size", c.vocab());
    }

    private void windows(ModelConfig c) {
        int window = c.windows().stream().mapToInt(w -> w).max().orElse(0);
        if (window == 0) {
            return;
        }
        integer("attention.sliding_window", window);
        if (c.windows().contains(0)) {
            var pattern = new boolean[c.layers()];
            for (int l = 0; l < pattern.length; l++) {
                pattern[l] = c.windows().get(l) > 0;
            }
            keys.put(family + ".attention.sliding_window_pattern", new GgufValue.Bools(pattern));
        }
    }

    /** Those that differ from neutral ones. */
    void sampling(SamplingParams p) {
        var neutral = SamplingParams.neutral();
        if (p.topK() != neutral.topK()) {
            keys.put("general.sampling.top_k", new GgufValue.Int(GgufValue.Type.INT32, p.topK()));
        }
        sampling("top_p", p.topP(), neutral.topP());
        sampling("min_p", p.minP(), neutral.minP());
        sampling("temp", p.temperature(), neutral.temperature());
        sampling("penalty_repeat", p.repetitionPenalty(), neutral.repetitionPenalty());
    }

    private void sampling(String key, float value, float neutral) {
        if (value != neutral) {
            keys.put("general.sampling." + key, new GgufValue.Real(GgufValue.Type.FLOAT32, value));
        }
    }

    private void integer(String key, long value) {
        keys.put(family + "." + key, new GgufValue.Int(GgufValue.Type.UINT32, value));
    }

    private void real(String key, double value) {
        keys.put(family + "." + key, new GgufValue.Real(GgufValue.Type.FLOAT32, value));
    }
}
