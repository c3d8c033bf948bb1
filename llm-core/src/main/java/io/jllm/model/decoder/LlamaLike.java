package io.jllm.model.decoder;

import io.jllm.ModelLoadException;
import io.jllm.model.Architecture;
import io.jllm.model.HeadOp;
import io.jllm.model.Key;
import io.jllm.model.Keys;
import io.jllm.model.ModelConfig;
import io.jllm.model.Op;
import io.jllm.model.Rope;
import io.jllm.model.Rotary;
import io.jllm.model.RowOrder;

/**
 * What llama made common: pre-norm, grouped heads that are rotated as a whole, gated SiLU, the same numbers in all layers but for windows.
 * A family says in what it differs.
 */
public abstract class LlamaLike implements Architecture {
    private final String name;
    private final String ggufName;
    private final Rope.Layout ggufRope;
    private final ConfigDefaults unsaid;

    /**
     * A family.
     *
     * @param ggufRope which dimensions of q and k its GGUF files rotate together
     * @param unsaid what {@code config.json} may leave out
     */
    protected LlamaLike(String name, String ggufName, Rope.Layout ggufRope, ConfigDefaults unsaid) {
        this.name = name;
        this.ggufName = ggufName;
        this.ggufRope = ggufRope;
        this.unsaid = unsaid;
    }

    @Override
    public final String name() {
        return name;
    }

    @Override
    public final String ggufName() {
        return ggufName;
    }

    /**
     * Which biases a model has, beside those of its tensors.
     *
     * @param attention what {@link Key#ATTENTION_BIAS} says
     * @param mlp what {@link Key#MLP_BIAS} says
     */
    protected ModelConfig.Biases biases(boolean attention, boolean mlp) {
        return ModelConfig.Biases.NONE;
    }

    /** Which layers have a sliding window. */
    protected WindowRule windowRule() {
        return WindowRule.NONE;
    }

    /** The same where it depends on other keys. */
    protected WindowRule windowRule(Keys keys, int layers) {
        return windowRule();
    }

    /** Which dimensions of q and k are rotated together as Hugging Face folders have them. */
    protected Rope.Layout folderRope() {
        return Rope.Layout.NEOX;
    }

    /** What norms of layers are. */
    protected HeadOp.Kind norm() {
        return HeadOp.Kind.RMS;
    }

    /** Says more of the rotation of layers that see all positions. */
    protected Rotary rotary(Rotary usual, Keys keys) {
        return usual;
    }

    /** The activation. */
    protected Op.Activation activation(Keys keys) {
        return keys.activation(Op.Activation.SILU);
    }

    /** The numbers of the model, of those that its files say. */
    protected Numbers numbers(Numbers said, Keys keys) {
        return said;
    }

    /** Says in what else the family differs from llama. */
    protected void differ(DenseBuilder model, Numbers n, Keys keys) {
    }

    @Override
    public Model read(Keys keys) {
        var activation = activation(keys);
        var n = numbers(Numbers.read(keys, unsaid, switch (norm()) {
            case RMS -> Key.RMS_EPS;
            case LAYER -> Key.LAYER_EPS;
        }), keys);
        int experts = keys.optionalInteger(Key.EXPERTS).orElse(0);
        if (experts > 0) {
            throw new ModelLoadException(keys.name(Key.EXPERTS) + " is " + experts + "; mixtures of experts are not supported");
        }
        int headDim = n.shape().headDim();
        var rope = keys.rope(rotary(Rotary.of(headDim, n.context()).base(Key.ROPE_BASE, unsaid.ropeBase()).layouts(folderRope(), ggufRope), keys));
        boolean attentionBias = keys.flag(Key.ATTENTION_BIAS).orElse(keys.knows(Key.ATTENTION_BIAS) && unsaid.attentionBias());
        var windows = keys.windows(n.layers(), windowRule(keys, n.layers()));
        var model = new DenseBuilder(name, n, norm(), rope).activation(activation).windows(windows)
                .biases(biases(attentionBias, keys.flag(Key.MLP_BIAS).orElse(false)))
                .order(ggufRope != folderRope() ? new RowOrder(headDim) : RowOrder.KEPT);
        differ(model, n, keys);
        return model.model();
    }
}
