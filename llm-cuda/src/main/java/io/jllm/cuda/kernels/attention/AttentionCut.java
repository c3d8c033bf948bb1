package io.jllm.cuda.kernels.attention;

import io.jllm.cuda.kernels.Kernels;
import io.jllm.model.HeadOp;
import io.jllm.model.Op;

/**
 * How attention cuts its work, and which of it the kernels of single queries do. A plain one does the rest.
 *
 * @param queries of one sequence that a tile has at most, of which kernels make smaller ones
 * @param piece positions that the attention of a single query takes at a time; a multiple of this
 * @param largestHead dimensions of a head that the fast kernels take
 */
public record AttentionCut(int queries, int piece, int largestHead) {
    /** As the image has it. */
    public static AttentionCut of(Kernels kernels) {
        return new AttentionCut(AttentionKernels.tileQueries(kernels), DecodeKernels.piece(kernels), DecodeKernels.largestHead(kernels));
    }

    /** Whether they attend so: over all positions or a window that slides, with scores as they are or softly capped. */
    public boolean attends(Op.PagedAttention a) {
        return a.shape().headDim() <= largestHead && !a.scores().chunked() && a.scores().alibi().isEmpty() && a.scores().sinks().isEmpty();
    }

    /** Whether they rotate so: texts of all lengths alike. */
    public boolean rotates(HeadOp.RopeStoreKv r) {
        return r.shape().headDim() <= largestHead && r.rope().longer().isEmpty();
    }
}
