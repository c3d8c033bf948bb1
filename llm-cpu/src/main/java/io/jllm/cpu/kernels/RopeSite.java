package io.jllm.cpu.kernels;

import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.layout.attention.KvLayout;
import io.jllm.model.HeadOp;
import java.util.Optional;

/**
 * What a rotation reads and writes.
 *
 * @param op what is to be done
 * @param out receives the queries
 * @param qkv the heads of q, of k and of v, one after the other
 * @param cache receives keys and values
 * @param angles of the step's tokens
 * @param norms of q and k, if there are any
 */
public record RopeSite(HeadOp.RopeStoreKv op, Rows out, Rows qkv, KvCache cache, Angles angles, Optional<Norms> norms) {
    /** Weights of norms of heads. */
    public record Norms(float[] q, float[] k, float eps) {
    }

    /** How keys and values lie. */
    public KvLayout layout() {
        return cache.layout(op.shape());
    }
}
