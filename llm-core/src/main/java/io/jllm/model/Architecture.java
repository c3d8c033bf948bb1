package io.jllm.model;

/**
 * What is particular to a model family: its forward pass, and how its files are to be read. Stateless and thread-safe.
 */
public interface Architecture {
    /** The family's name, as {@code model_type} of a Hugging Face {@code config.json} has it. */
    String name();

    /** The name under which GGUF files of this family are written: {@code general.architecture}, the prefix of their keys. */
    default String ggufName() {
        return name();
    }

    /**
     * Which dimensions of q and k its GGUF files rotate together. Hugging Face files are always {@link Rope.Layout#NEOX}; where
     * this differs, the rows of q and k are permuted between the two.
     */
    Rope.Layout ggufRope();

    /** The forward pass of a model of this family. */
    Program program(ModelConfig config);

    /**
     * Which biases a model of this family has.
     *
     * @param attention {@code attention_bias} of its {@code config.json}; false if it is not there
     * @param mlp {@code mlp_bias} of its {@code config.json}; false if it is not there
     */
    default ModelConfig.Biases biases(boolean attention, boolean mlp) {
        return ModelConfig.Biases.NONE;
    }

    /** How {@code config.json} says which layers have a sliding window. */
    default WindowRule windowRule() {
        return WindowRule.NONE;
    }

    /** The sizes that {@code config.json} may leave out. */
    ConfigDefaults defaults();

    /** Which layers of a Hugging Face model see a {@code sliding_window} only. */
    enum WindowRule {
        /** None, whatever the configuration says. */
        NONE,
        /** All, if {@code sliding_window} is not null; 4,096 positions if it is absent. */
        ALL,
        /** Those that {@code layer_types} names, or else those from {@code max_window_layers}; none unless {@code use_sliding_window}. */
        CHOSEN
    }
}
