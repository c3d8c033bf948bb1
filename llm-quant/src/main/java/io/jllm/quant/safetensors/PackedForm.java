package io.jllm.quant.safetensors;

/** How packed whole numbers stand, as far as the configuration says it and tensors do not. */
public sealed interface PackedForm {
    /** For the columns of a group: as many as there are. */
    long ALL = -1;

    /**
     * GPTQ.
     *
     * @param zerosLessOne whether one is to be added to stored zeros, as in {@code checkpoint_format} gptq, and not in gptq_v2
     * @param groupSize columns of a group where no {@code g_idx} says it, or {@link #ALL}
     */
    record Gptq(boolean zerosLessOne, long groupSize) implements PackedForm {
    }

    /**
     * AWQ.
     *
     * @param byRows whether words hold numbers of a row, in order, as in {@code version} gemv; else of a column, in an order of their own (gemm)
     * @param groupSize columns of a group, or {@link #ALL}
     */
    record Awq(boolean byRows, long groupSize) implements PackedForm {
    }

    /**
     * bitsandbytes, of which tensors say all but this.
     *
     * @param threshold of LLM.int8(): inputs of which an activation has at least that magnitude meet weights as floats; 0 if none do
     */
    record BitsAndBytes(float threshold) implements PackedForm {
    }
}
