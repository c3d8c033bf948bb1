package io.jllm.cuda.compile;

/** What a program is compiled for: the fewer rows, the more is fused. */
public enum Mode {
    /** Any batch. */
    ANY,
    /** More than {@link io.jllm.cuda.kernels.TensorKernels#MOST_FEWER} tokens, which tensor cores multiply. */
    MANY,
    /** At most {@link io.jllm.cuda.kernels.ProductKernels#MOST_FEW} sequences with one token each, all of which want logits. */
    FEW,
    /** One such sequence: products norm and quantise their row themselves. */
    ONE;

    /** Whether sequences may have several tokens, and tokens no logits. */
    boolean anyBatch() {
        return this == ANY || this == MANY;
    }
}
