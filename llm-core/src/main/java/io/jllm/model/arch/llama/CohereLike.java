package io.jllm.model.arch.llama;

import io.jllm.model.HeadOp;
import io.jllm.model.Key;
import io.jllm.model.Keys;
import io.jllm.model.ModelConfig;
import io.jllm.model.Rope;
import io.jllm.model.decoder.ConfigDefaults;
import io.jllm.model.decoder.DenseBuilder;
import io.jllm.model.decoder.LlamaLike;
import io.jllm.model.decoder.Numbers;

/**
 * What Command R and R7B have in common: attention and the feed-forward part of the same layer norm, neighbouring dimensions rotated
 * together in all files, scaled logits.
 */
abstract class CohereLike extends LlamaLike {
    private static final Key LOGIT_SCALE = Key.positive("logit_scale", "logit_scale");
    private static final double UNSAID_LOGIT_SCALE = 0.0625;

    CohereLike(String name, String ggufName, ConfigDefaults unsaid) {
        super(name, ggufName, Rope.Layout.INTERLEAVED, unsaid);
    }

    @Override
    protected final Rope.Layout folderRope() {
        return Rope.Layout.INTERLEAVED;
    }

    @Override
    protected final HeadOp.Kind norm() {
        return HeadOp.Kind.LAYER;
    }

    @Override
    protected final ModelConfig.Biases biases(boolean attention, boolean mlp) {
        return new ModelConfig.Biases(attention, attention, false);
    }

    /** {@code model_max_length} is what the first were trained for, of which {@code max_position_embeddings} is but a part. */
    @Override
    protected final Numbers numbers(Numbers said, Keys keys) {
        return said.with(said.eps(), keys.context(Key.CONTEXT.named("model_max_length"), said.context()));
    }

    @Override
    protected void differ(DenseBuilder model, Numbers n, Keys keys) {
        model.parallel().scales(1, 1, keys.real(LOGIT_SCALE, UNSAID_LOGIT_SCALE));
    }
}
