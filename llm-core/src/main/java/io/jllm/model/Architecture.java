package io.jllm.model;

import io.jllm.quant.WeightSource;
import io.jllm.quant.safetensors.HuggingFaceNames;
import java.util.List;

/**
 * A model family: all that is particular to it. It reads the numbers of a model, says what checkpoints call its tensors and how they
 * are to be taken, and puts the forward pass together. Stateless and thread-safe. An application that knows a family of its own gives it
 * to {@link io.jllm.LlmBuilder#family}.
 */
public interface Architecture {
    /** The family's name, as {@code model_type} of a Hugging Face {@code config.json} has it. */
    String name();

    /** Other names of it that {@code config.json} may have. */
    default List<String> aliases() {
        return List.of();
    }

    /** The name under which GGUF files of this family are written: {@code general.architecture}, the prefix of their keys. */
    default String ggufName() {
        return name();
    }

    /** What {@code quant_method} of a {@code quantization_config} may be: packed checkpoints that {@link Model#adapt} takes; by default none. */
    default List<String> quantizations() {
        return List.of();
    }

    /**
     * Reads the numbers of a model.
     *
     * @throws io.jllm.ModelLoadException if something is missing, out of range, or of a kind that the family does not support
     */
    Model read(Keys keys);

    /** A model whose numbers are read and whose tensors are not. Immutable. */
    interface Model {
        /** What Hugging Face checkpoints of this model call its tensors; by default what most families do. */
        default HuggingFaceNames names() {
            return HuggingFaceNames.LLAMA;
        }

        /**
         * A checkpoint's tensors, named by {@link #names}, as {@link #build} wants them and as a GGUF file holds them, but for
         * {@link #ggufOrder}. Closing what it returns closes the checkpoint; by default that is the checkpoint itself.
         */
        default WeightSource adapt(WeightSource checkpoint) {
            return checkpoint;
        }

        /**
         * The tensors of a GGUF file as {@link #build} wants them, where old files have them in another form. Closing what it returns closes
         * the file; by default that is the file itself.
         */
        default WeightSource adaptFile(WeightSource file) {
            return file;
        }

        /** In which order a GGUF file has the rows of a tensor of the checkpoint; by default as they are. */
        default RowOrder ggufOrder(String tensor) {
            return RowOrder.KEPT;
        }

        /** The rest, which the tensors may decide: biases, for one, or an output matrix. Whether they fit is not asked here. */
        Built build(WeightSource tensors);
    }

    /**
     * A model.
     *
     * @param config its numbers
     * @param program its forward pass
     */
    record Built(ModelConfig config, Program program) {
    }

    /** Which layers of a Hugging Face model see a {@code sliding_window} only. */
    enum WindowRule {
        /** None, whatever the configuration says. */
        NONE,
        /** All, if {@code sliding_window} is not null; 4,096 positions if it is absent. */
        ALL,
        /** All, if {@code sliding_window} is there and not null. */
        SAID,
        /** Those that {@code layer_types} names, or else those from {@code max_window_layers}; none unless {@code use_sliding_window}. */
        CHOSEN
    }
}
