package io.jllm.model.decoder;

import io.jllm.model.HeadOp;
import io.jllm.model.ModelConfig;
import io.jllm.model.Op;
import io.jllm.model.Rope;
import java.util.List;
import java.util.Optional;

/**
 * In what families of equal layers differ.
 *
 * @param norm what norms are
 * @param places where they are
 * @param normsLessOne whether checkpoints hold the weights of norms less one
 * @param ffnNorm GGUF's name of the norm before the feed-forward part
 * @param rope the rotation that people are shown, of layers that see all positions
 * @param ropes the rotation of each layer
 * @param windows for each layer, how many positions it sees; 0 for all
 * @param scale of the scores of attention
 * @param scoreCap soft cap of them; 0 for none
 * @param headNorm norms of heads of q and k
 * @param clip limit of the numbers of q, k and v; 0 for none
 * @param temperature of queries, by position
 * @param biases which the files speak of; those that are there count too
 * @param activation of the feed-forward part
 * @param embeddingScale multiplies embeddings
 * @param residualScale multiplies what each part adds
 * @param logitScale multiplies logits
 * @param logitCap soft cap of them then; 0 for none
 */
record DenseTraits(HeadOp.Kind norm, Places places, boolean normsLessOne, String ffnNorm, Rope rope, List<Rope> ropes, List<Integer> windows,
                   float scale, float scoreCap, Optional<HeadNorms> headNorm, float clip, Optional<Temperature> temperature,
                   ModelConfig.Biases biases, Op.Activation activation, float embeddingScale, float residualScale, float logitScale, float logitCap) {
    /** Where norms are. */
    enum Places {
        /** Before attention and before the feed-forward part. */
        BEFORE,
        /** After each, before it is added. */
        AFTER,
        /** Both. */
        AROUND,
        /** One before both parts, which are computed side by side. */
        PARALLEL
    }

    /**
     * Norms of heads of q and k.
     *
     * @param kind what they are
     * @param scope what they go over
     * @param rotatedFirst whether they come after rotation
     * @param said whether there are any; empty if the tensors say it
     */
    record HeadNorms(HeadOp.Kind kind, HeadOp.Scope scope, boolean rotatedFirst, Optional<Boolean> said) {
        /** Whether {@link Op.QkNorm} is all that is needed. */
        boolean isAlike() {
            return kind == HeadOp.Kind.RMS && scope == HeadOp.Scope.ALIKE && !rotatedFirst;
        }
    }

    /** {@link HeadOp.ScaleQueries} with these numbers. */
    record Temperature(float scale, int every) {
    }
}
