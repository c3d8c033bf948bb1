package io.jllm.load;

import io.jllm.json.ConfigJson;
import io.jllm.model.MapWeights;
import io.jllm.model.ModelConfig;
import io.jllm.model.Rotary;
import io.jllm.model.arch.Families;

/** What families read of a {@code config.json}. */
abstract class ConfigCase {
    static final String SIZES = """
            "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 4, "num_attention_heads": 8,
            "vocab_size": 100, "max_position_embeddings": 2048""";

    /** What a family makes of a file, without tensors, and what the file says of the rotation. */
    record Read(ModelConfig model, double ropeTheta, RopeScaling scaling) {
        static Read of(ConfigJson json) {
            var config = HuggingFaceFamily.read(json, Families.all()).model().build(new MapWeights()).config();
            var rope = HuggingFaceRope.of(json, Rotary.of(config.headDim(), config.maxContext()));
            return new Read(config, rope.theta(), rope.scaling());
        }
    }

    static Read parse(String family, String more) {
        var json = "{\"model_type\": \"" + family + "\", " + SIZES + (more.isEmpty() ? "" : ", " + more) + "}";
        return Read.of(ConfigJson.parse("config.json", json));
    }

    static ModelConfig model(String family, String more) {
        return parse(family, more).model();
    }
}
