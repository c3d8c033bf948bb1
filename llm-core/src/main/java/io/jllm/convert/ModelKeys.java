package io.jllm.convert;

import io.jllm.SamplingParams;
import io.jllm.load.GgufForm;
import io.jllm.quant.gguf.GgufValue;
import java.util.LinkedHashMap;
import java.util.Map;

/** Collects GGUF metadata: names and types of the keys are llama.cpp's. */
final class ModelKeys {
    private final Map<String, GgufValue> keys = new LinkedHashMap<>();

    Map<String, GgufValue> map() {
        return keys;
    }

    void putAll(Map<String, GgufValue> more) {
        keys.putAll(more);
    }

    /** The model's name, and what its family reads. */
    void model(String name, GgufForm form) {
        keys.put("general.architecture", new GgufValue.Text(form.architecture()));
        keys.put("general.name", new GgufValue.Text(name));
        form.numbers().forEach((key, value) -> keys.put(form.architecture() + "." + key, value));
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
}
