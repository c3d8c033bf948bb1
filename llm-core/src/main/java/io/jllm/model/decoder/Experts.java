package io.jllm.model.decoder;

import io.jllm.ModelLoadException;
import io.jllm.model.ExpertOp;
import io.jllm.model.Key;
import io.jllm.model.Keys;
import io.jllm.model.Limits;
import io.jllm.model.Op;
import io.jllm.model.Value;
import io.jllm.quant.safetensors.HuggingFaceNames;
import io.jllm.quant.safetensors.HuggingFaceNames.Rename;
import java.util.Optional;

/**
 * The mixtures of experts of a model, and how its layers use them. Keys and tensors have GGUF's names: {@code ffn_gate_inp} chooses,
 * {@code ffn_gate_exps}, {@code ffn_up_exps} and {@code ffn_down_exps} are the experts' matrices, {@code _shexp} those of one that all rows use.
 *
 * @param count experts of a layer
 * @param used experts a row
 * @param ffn floats inside one
 * @param scoring how scores come from logits
 * @param groups limits the choice
 * @param normalised whether the weights of those that are used are divided by their sum
 * @param scale multiplies their weights
 * @param weighsInputs whether weights multiply what experts get, not what they give
 * @param activation inside
 */
public record Experts(int count, int used, int ffn, ExpertOp.Scoring scoring, Optional<ExpertOp.Groups> groups, boolean normalised, float scale,
                      boolean weighsInputs, Op.Activation activation) {
    public static final Key COUNT = Key.EXPERTS.named("num_local_experts", "num_experts", "n_routed_experts");
    public static final Key USED = Key.whole("expert_used_count", 1, Integer.MAX_VALUE, "num_experts_per_tok");
    public static final Key FFN = Key.whole("expert_feed_forward_length", 1, Limits.WIDTH, "moe_intermediate_size");
    public static final Key SHARED_FFN = Key.whole("expert_shared_feed_forward_length", 0, Limits.WIDTH, "shared_expert_intermediate_size");
    public static final Key SHARED = Key.whole("expert_shared_count", 0, Limits.HEADS, "n_shared_experts");
    public static final Key GROUPS = Key.whole("expert_group_count", 1, Limits.HEADS, "n_group");
    public static final Key GROUPS_USED = Key.whole("expert_group_used_count", 1, Limits.HEADS, "topk_group");
    public static final Key SCALE = Key.positive("expert_weights_scale", "routed_scaling_factor");
    public static final Key NORMALISED = Key.flag("expert_weights_norm", "norm_topk_prob");
    /** Only GGUF files say it: a family is known by it otherwise. */
    public static final Key SCORING = Key.whole("expert_gating_func", 0, 2);
    /** Layers without experts before those with them. */
    public static final Key DENSE_FIRST = Key.whole("leading_dense_block_count", 0, Limits.LAYERS, "first_k_dense_replace");
    /** Layers behind the others that predict further tokens, and are not used here: GGUF files count them, and those that are written have none. */
    public static final Key NEXT_LAYERS = Key.whole("nextn_predict_layers", 0, Limits.LAYERS);

    /** What checkpoints call the tensors of experts, beside {@link HuggingFaceNames#LLAMA}; single ones as old GGUF files do. */
    public static final HuggingFaceNames NAMES = HuggingFaceNames.LLAMA.with(
            new Rename("model.layers.*.mlp.gate", "blk.*.ffn_gate_inp"),
            new Rename("model.layers.*.mlp.gate.e_score_correction_bias", "blk.*.exp_probs_b.bias"),
            new Rename("model.layers.*.mlp.experts.*.gate_proj", "blk.*.ffn_gate.*"),
            new Rename("model.layers.*.mlp.experts.*.up_proj", "blk.*.ffn_up.*"),
            new Rename("model.layers.*.mlp.experts.*.down_proj", "blk.*.ffn_down.*"),
            new Rename("model.layers.*.mlp.experts.gate_up_proj", "blk.*.ffn_gate_up_exps.weight"),
            new Rename("model.layers.*.mlp.experts.down_proj", "blk.*.ffn_down_exps.weight"),
            new Rename("model.layers.*.block_sparse_moe.gate", "blk.*.ffn_gate_inp"),
            new Rename("model.layers.*.block_sparse_moe.experts.*.w1", "blk.*.ffn_gate.*"),
            new Rename("model.layers.*.block_sparse_moe.experts.*.w3", "blk.*.ffn_up.*"),
            new Rename("model.layers.*.block_sparse_moe.experts.*.w2", "blk.*.ffn_down.*"));

    private static final int SOFTMAX_NUMBER = 1;
    private static final int SIGMOID_NUMBER = 2;

    /** By softmax over all. */
    public Experts(int count, int used, int ffn, boolean normalised) {
        this(count, used, ffn, new ExpertOp.Scoring.Softmax(), Optional.empty(), normalised, 1, false, Op.Activation.SILU);
    }

    /** The names of one shared expert, under whichever name a family has it. */
    public static HuggingFaceNames.Rule[] sharedNames(String module) {
        return new HuggingFaceNames.Rule[] {
            new Rename("model.layers.*." + module + ".gate_proj", "blk.*.ffn_gate_shexp"),
            new Rename("model.layers.*." + module + ".up_proj", "blk.*.ffn_up_shexp"),
            new Rename("model.layers.*." + module + ".down_proj", "blk.*.ffn_down_shexp")};
    }

    /** {@link #USED}, at most as many as there are. */
    public static int used(Keys keys, int count, int unsaid) {
        return keys.integer(USED.atMost(count), unsaid);
    }

    /** {@link #COUNT}; at least one. */
    public static int count(Keys keys, int unsaid) {
        int count = keys.integer(COUNT, unsaid);
        return Limits.check(keys.name(COUNT), count, 1, Limits.HEADS);
    }

    /**
     * {@link #SCORING}.
     *
     * @param inFolder what the family has
     * @param inFile what its GGUF files mean that do not say it
     */
    public static ExpertOp.Scoring scoring(Keys keys, ExpertOp.Scoring inFolder, ExpertOp.Scoring inFile) {
        return switch (keys.integer(SCORING, number(inFolder), number(inFile))) {
            case SOFTMAX_NUMBER -> new ExpertOp.Scoring.Softmax();
            case SIGMOID_NUMBER -> new ExpertOp.Scoring.Sigmoid();
            default -> inFile;
        };
    }

    private static int number(ExpertOp.Scoring scoring) {
        return switch (scoring) {
            case ExpertOp.Scoring.Softmax _ -> SOFTMAX_NUMBER;
            case ExpertOp.Scoring.Sigmoid _ -> SIGMOID_NUMBER;
            case ExpertOp.Scoring.SparseMixer _ -> throw new IllegalArgumentException("GGUF has no number for " + scoring);
        };
    }

    /**
     * {@link #GROUPS} and {@link #GROUPS_USED}; none if there is one group, or all count.
     *
     * @param unsaid groups if nothing is said
     * @param unsaidUsed how many of them count then
     * @param best of how many of its experts a group's score is the sum
     */
    public static Optional<ExpertOp.Groups> groups(Keys keys, int count, int used, int unsaid, int unsaidUsed, int best) {
        int groups = keys.integer(GROUPS, unsaid, 1);
        int chosen = keys.integer(GROUPS_USED.atMost(groups), unsaidUsed, groups);
        if (groups == 1) {
            return Optional.empty();
        }
        if (count % groups != 0 || count / groups < best) {
            throw new ModelLoadException(keys.name(GROUPS) + " is " + groups + "; it must divide " + keys.furtherName(COUNT) + ", " + count
                    + ", into groups of " + best + " or more");
        }
        if (chosen * (count / groups) < used) {
            throw new ModelLoadException(keys.name(GROUPS_USED) + " is " + chosen + ": groups of " + count / groups + " experts, fewer in all than "
                    + keys.furtherName(USED) + ", " + used);
        }
        return chosen == groups ? Optional.empty() : Optional.of(new ExpertOp.Groups(groups, chosen, best));
    }

    /** With another way to choose. */
    public Experts routed(ExpertOp.Scoring how, Optional<ExpertOp.Groups> among, float times) {
        return new Experts(count, used, ffn, how, among, normalised, times, weighsInputs, activation);
    }

    /** With weights that multiply what experts get. */
    public Experts weighingInputs() {
        return new Experts(count, used, ffn, scoring, groups, normalised, scale, true, activation);
    }

    /** With another activation. */
    public Experts activated(Op.Activation kind) {
        return new Experts(count, used, ffn, scoring, groups, normalised, scale, weighsInputs, kind);
    }

    /**
     * What the experts of a layer make of h.
     *
     * @param residual is added
     */
    public Value mixed(Decoder d, Value h, int layer, Optional<Value> residual, int hidden) {
        String bias = "blk." + layer + ".exp_probs_b.bias";
        Value route = d.ops().route(d.linear(h, layer, "ffn_gate_inp", count), used, scoring, d.has(bias) ? Optional.of(bias) : Optional.empty(),
                groups, normalised, scale);
        Value gateUp = d.ops().expertLinear(h, route, count, weighsInputs, d.weight(layer, "ffn_gate_exps", ffn),
                d.weight(layer, "ffn_up_exps", ffn));
        return d.ops().expertSum(d.ops().gated(gateUp, activation), route, count, !weighsInputs, d.weight(layer, "ffn_down_exps", hidden), residual);
    }

    /** residual + what the shared expert makes of h. */
    public Value shared(Decoder d, Value residual, Value h, int layer, int sharedFfn) {
        return d.linearAdd(residual, sharedGated(d, h, layer, sharedFfn), layer, "ffn_down_shexp");
    }

    /** residual + what the shared expert makes of h, times the sigmoid of {@code ffn_gate_inp_shexp}. */
    public Value sharedWeighed(Decoder d, Value residual, Value h, int layer, int sharedFfn) {
        Value gate = d.linear(h, layer, "ffn_gate_inp_shexp", 1);
        return d.ops().addGated(residual, d.linear(sharedGated(d, h, layer, sharedFfn), layer, "ffn_down_shexp", residual.width()), gate);
    }

    private Value sharedGated(Decoder d, Value h, int layer, int sharedFfn) {
        return d.ops().gated(d.ops().linear(h, d.weight(layer, "ffn_gate_shexp", sharedFfn), d.weight(layer, "ffn_up_shexp", sharedFfn)), activation);
    }
}
