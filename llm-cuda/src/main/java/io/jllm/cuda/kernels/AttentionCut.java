package io.jllm.cuda.kernels;

/**
 * How attention cuts its work.
 *
 * @param queries of one sequence that a tile has at most
 * @param piece positions that the attention of a single query takes at a time; a multiple of this
 */
public record AttentionCut(int queries, int piece) {
    /** As the image has it. */
    public static AttentionCut of(Kernels kernels) {
        return new AttentionCut(AttentionKernels.tileQueries(kernels), DecodeKernels.piece(kernels));
    }
}
