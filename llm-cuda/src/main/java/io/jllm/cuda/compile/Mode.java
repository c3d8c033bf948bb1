package io.jllm.cuda.compile;

/** What steps are compiled for: the fewer rows, the more is fused. */
public enum Mode {
    /** Any batch. */
    ANY,
    /** At most {@link LinearOp#MOST_FEW} sequences with one token each, all of which want logits. */
    FEW,
    /** One such sequence: products norm and quantise their row themselves. */
    ONE
}
