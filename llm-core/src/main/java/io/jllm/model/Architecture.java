package io.jllm.model;

import io.jllm.quant.WeightSource;
import io.jllm.quant.safetensors.HuggingFaceNames;
import java.util.List;
import java.util.Optional;

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

    /** Whether {@code config.json} may call it so. */
    default boolean isNamed(String modelType) {
        return name().equals(modelType) || aliases().contains(modelType);
    }

    /** What {@code model_type} of a folder of a model of several media may be, of which the part for text is of this family. */
    default List<String> multimodal() {
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

    /**
     * Which layers of a model see a {@code sliding_window} only.
     *
     * @param kind how {@code config.json} says it
     * @param every where nothing else is said, each so many-th layer sees all positions; 0 for none of those that may have a window
     * @param layers where nothing else is said, which layers have one; empty if {@code every} tells
     * @param unsaid the window where {@code config.json} has no such key; 0 for none
     * @param inFile the window where a GGUF file has none
     */
    record WindowRule(Kind kind, int every, Optional<List<Boolean>> layers, int unsaid, int inFile) {
        /** None, whatever the configuration says. */
        public static final WindowRule NONE = new WindowRule(Kind.NONE, 0, Optional.empty(), 0, 0);
        /** All, if {@code sliding_window} is not null; 4,096 positions if it is absent. */
        public static final WindowRule ALL = all(4096);
        /** Those that {@code layer_types} names, or else those from {@code max_window_layers}; none unless {@code use_sliding_window}. */
        public static final WindowRule CHOSEN = new WindowRule(Kind.CHOSEN, 0, Optional.empty(), 4096, 0);

        /** How it is said. */
        public enum Kind {
            /** Not at all. */
            NONE,
            /** For all layers alike. */
            ALL,
            /** By a switch, and by layer. */
            CHOSEN,
            /** By {@code layer_types}, if at all. */
            TYPED,
            /** By {@code layer_types}, or by {@code sliding_window_pattern}: a number as {@code every}, or letters of which L is a window. */
            PATTERNED
        }

        /** All layers, if {@code sliding_window} is not null. */
        public static WindowRule all(int unsaid) {
            return new WindowRule(Kind.ALL, 0, Optional.empty(), unsaid, 0);
        }

        /** Those that {@code layer_types} names, or else all but each so many-th. */
        public static WindowRule typed(int every, int unsaid) {
            return new WindowRule(Kind.TYPED, every, Optional.empty(), unsaid, 0);
        }

        /** Those that {@code layer_types} names, or else these. */
        public static WindowRule typed(List<Boolean> layers, int unsaid) {
            return new WindowRule(Kind.TYPED, 0, Optional.of(layers), unsaid, 0);
        }

        /** As {@link #typed(int, int)}, where {@code sliding_window_pattern} may say it, too. */
        public static WindowRule patterned(int every, int unsaid) {
            return new WindowRule(Kind.PATTERNED, every, Optional.empty(), unsaid, 0);
        }

        /** None in {@code config.json}; in GGUF files that have a window, all layers but each so many-th. */
        public static WindowRule onlyInFile(int every) {
            return new WindowRule(Kind.NONE, every, Optional.empty(), 0, 0);
        }

        /** With a window that GGUF files may leave out. */
        public WindowRule inFile(int window) {
            return new WindowRule(kind, every, layers, unsaid, window);
        }

        /** Whether layers differ without a switch. */
        public boolean isByLayer() {
            return kind == Kind.TYPED || kind == Kind.PATTERNED;
        }
    }
}
