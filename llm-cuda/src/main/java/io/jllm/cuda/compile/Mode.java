package io.jllm.cuda.compile;

/** What a program is compiled for: the fewer rows, the more is fused. */
public enum Mode {
    /** Any batch. */
    ANY,
    /** More than {@link io.jllm.cuda.kernels.TensorKernels#MOST_FEWER} tokens, which tensor cores multiply; by matrices of blocks as they are. */
    MANY,
    /** More than {@link io.jllm.cuda.kernels.BlocksKernels#MOST} tokens, or any number of many where no matrix has blocks: all are of 16 bits. */
    MOST,
    /** At most {@link io.jllm.cuda.kernels.ProductKernels#MOST_FEW} sequences with one token each, all of which want logits. */
    FEW,
    /** One such sequence: products norm and quantise their row themselves. */
    ONE;

    /** Whether sequences may have several tokens, and tokens no logits. */
    boolean anyBatch() {
        return this == ANY || many();
    }

    /** Whether products of tokens are tensor cores' for sure. */
    boolean many() {
        return this == MANY || this == MOST;
    }
}
