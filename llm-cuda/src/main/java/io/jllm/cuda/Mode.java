package io.jllm.cuda;

/** What steps are compiled for: the fewer rows, the more is fused. */
enum Mode {
    /** Any batch. */
    ANY,
    /** At most {@link LinearStep#MOST_FEW} sequences with one token each, all of which want logits. */
    FEW,
    /** One such sequence: products norm and quantise their row themselves. */
    ONE
}
