package io.jllm.model.arch.experts;

import io.jllm.ModelLoadException;
import io.jllm.model.Key;
import io.jllm.model.Keys;
import io.jllm.model.Op;
import io.jllm.model.Value;
import io.jllm.model.decoder.ConfigDefaults;
import io.jllm.model.decoder.Decoder;
import io.jllm.model.decoder.Experts;
import io.jllm.model.decoder.LatentAttention;
import io.jllm.model.decoder.Numbers;
import io.jllm.model.decoder.SparseModel;
import io.jllm.quant.WeightSource;
import io.jllm.quant.safetensors.HuggingFaceNames;
import java.util.Collections;

/** DeepSeek 2 and 3, which differ in how experts are chosen. GGUF files call both {@code deepseek2}. */
final class DeepseekModel extends SparseModel {
    /** Each so many layers have experts; transformers knows no other way. */
    static final Key LAYER_STEP = Key.whole("", 1, Integer.MAX_VALUE, "moe_layer_freq");
    static final Key SCORING = Key.text("", "scoring_func");
    static final Key METHOD = Key.text("", "topk_method");

    private static final Key TEMPERATURE = Key.notNegative("attention.temperature_scale");

    private final LatentAttention attention;
    private final int denseFirst;
    private final int sharedFfn;
    private final boolean paired;
    private final boolean attentionBias;
    private final boolean mlpBias;

    /**
     * A model.
     *
     * @param denseFirst layers without experts
     * @param sharedFfn floats inside the shared expert; 0 for none
     * @param paired whether checkpoints turn neighbours together, as GGUF files do
     */
    private DeepseekModel(String family, Numbers n, Experts experts, LatentAttention attention, int denseFirst, int sharedFfn, boolean paired,
                          boolean attentionBias, boolean mlpBias) {
        super(family, n, experts, attention.rope(), Collections.nCopies(n.layers(), 0));
        this.attention = attention;
        this.denseFirst = denseFirst;
        this.sharedFfn = sharedFfn;
        this.paired = paired;
        this.attentionBias = attentionBias;
        this.mlpBias = mlpBias;
    }

    /**
     * Reads what both have.
     *
     * @param denseFirst layers without experts, if nothing is said
     * @param shared shared experts then
     * @param mlpMayBeBiased whether the family knows {@code mlp_bias}
     */
    static DeepseekModel read(String family, Keys keys, ConfigDefaults unsaid, Experts experts, int denseFirst, int shared, boolean paired,
                              boolean mlpMayBeBiased) {
        keys.activation(Op.Activation.SILU);
        keys.only(LAYER_STEP, 1);
        double temperature = keys.optionalReal(TEMPERATURE).orElse(0);
        if (temperature != 0) {
            throw new ModelLoadException(keys.name(TEMPERATURE) + " is " + temperature + "; this family supports no temperature of attention");
        }
        int layers = keys.integer(Key.LAYERS, unsaid.layers());
        int heads = keys.uniform(Key.HEADS, layers, unsaid.heads());
        int context = keys.context(Key.CONTEXT, unsaid.context());
        var attention = LatentAttention.read(keys, heads, context, unsaid.ropeBase());
        int used = layers - keys.integer(Experts.NEXT_LAYERS.atMost(layers - 1), 0, 0);
        var n = new Numbers(used, keys.integer(Key.HIDDEN, unsaid.hidden()), keys.uniform(Key.FFN, layers, unsaid.ffn()),
                attention.shape().attention(), (float) keys.real(Key.RMS_EPS, unsaid.eps()), context,
                keys.vocab(Decoder.EMBEDDINGS, unsaid.vocab()), Numbers.tied(keys, unsaid.tied()));
        return new DeepseekModel(family, n, experts, attention, keys.integer(Experts.DENSE_FIRST, denseFirst, 0),
                keys.integer(Experts.SHARED, shared) * experts.ffn(), paired, keys.flag(Key.ATTENTION_BIAS).orElse(false),
                mlpMayBeBiased && keys.flag(Key.MLP_BIAS).orElse(false));
    }

    @Override
    public HuggingFaceNames names() {
        return super.names().with(LatentAttention.NAMES).with(Experts.sharedNames("mlp.shared_experts"));
    }

    @Override
    public WeightSource adapt(WeightSource checkpoint) {
        var stacked = super.adapt(checkpoint);
        return attention.split(paired ? stacked : attention.paired(stacked));
    }

    @Override
    public WeightSource adaptFile(WeightSource file) {
        return attention.split(super.adaptFile(file));
    }

    @Override
    protected boolean biased(String part) {
        return switch (part) {
            case "attn_q_a", "attn_kv_a_mqa", "attn_output" -> attentionBias;
            case "ffn_gate", "ffn_up", "ffn_down", "ffn_gate_shexp", "ffn_up_shexp", "ffn_down_shexp" -> mlpBias;
            default -> false;
        };
    }

    @Override
    protected boolean isSparse(int layer) {
        return layer >= denseFirst;
    }

    @Override
    protected Value attended(Decoder d, Value x, Value h, int layer) {
        return d.linearAdd(x, attention.heads(d, h, layer), layer, "attn_output");
    }

    @Override
    protected Value mixed(Decoder d, Value x, Value h, int layer) {
        Value routed = super.mixed(d, x, h, layer);
        return sharedFfn == 0 ? routed : experts().shared(d, routed, h, layer, sharedFfn);
    }
}
