package io.jllm.model.arch.experts;

import io.jllm.ModelLoadException;
import io.jllm.model.Architecture;
import io.jllm.model.Key;
import io.jllm.model.Keys;
import io.jllm.model.Op;
import io.jllm.model.Rope;
import io.jllm.model.Rotary;
import io.jllm.model.decoder.ConfigDefaults;
import io.jllm.model.decoder.Decoder;
import io.jllm.model.decoder.ExpertWeights;
import io.jllm.model.decoder.Experts;
import io.jllm.model.decoder.ComposedWeights;
import io.jllm.model.decoder.Numbers;
import io.jllm.model.decoder.SparseModel;
import io.jllm.quant.Assembled;
import io.jllm.quant.SplitBlocks;
import io.jllm.quant.Strided;
import io.jllm.quant.Tensor;
import io.jllm.quant.WeightSource;
import io.jllm.quant.safetensors.HuggingFaceNames;
import io.jllm.quant.safetensors.HuggingFaceNames.Rename;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;

/**
 * gpt-oss: each query head has a sink, every other layer a window, all products have biases, and the gates of experts are limited. Checkpoints
 * hold experts as floats, with inputs as rows, or in MXFP4; rows of gate and up take turns. Source: OpenAI, gpt-oss model card, 2025.
 */
public final class GptOss implements Architecture {
    private static final ConfigDefaults UNSAID = new ConfigDefaults(201_088, 2880, 2880, 36, 64, OptionalInt.of(8), OptionalInt.of(64), 131_072,
            150_000, 1e-5, false, true);
    private static final Key GATE_LIMIT = Key.positive("", "swiglu_limit");
    private static final int SUPPORTED_LIMIT = 7;
    private static final String UNSAID_ROPE = """
            {"rope_type": "yarn", "factor": 32.0, "beta_fast": 32.0, "beta_slow": 1.0, "truncate": false, "original_max_position_embeddings": 4096}
            """;
    private static final int UNSAID_WINDOW = 128;
    private static final String EXPERTS = "model.layers.*.mlp.experts.";

    @Override
    public String name() {
        return "gpt_oss";
    }

    @Override
    public String ggufName() {
        return "gpt-oss";
    }

    @Override
    public List<String> quantizations() {
        return List.of("mxfp4");
    }

    @Override
    public Model read(Keys keys) {
        keys.activation(Op.Activation.SILU);
        keys.optionalReal(GATE_LIMIT).ifPresent(limit -> {
            if (limit != SUPPORTED_LIMIT) {
                throw new ModelLoadException(keys.name(GATE_LIMIT) + " is " + limit + "; supported is " + SUPPORTED_LIMIT);
            }
        });
        var n = Numbers.read(keys, UNSAID, Key.RMS_EPS);
        int count = Experts.count(keys, 128);
        int ffn = keys.integer(Experts.FFN.named("intermediate_size"), UNSAID.ffn());
        var experts = new Experts(count, Experts.used(keys, count, 4), ffn, true).activated(Op.Activation.SWIGLU_OAI);
        var windows = keys.windows(n.layers(), WindowRule.typed(2, UNSAID_WINDOW));
        var rope = keys.rope(Rotary.of(n.shape().headDim(), n.context()).base(Key.ROPE_BASE, UNSAID.ropeBase()).unsaidParameters(UNSAID_ROPE));
        return new GptOssModel(n, experts, rope, windows, keys.knows(Key.ATTENTION_BIAS) && keys.flag(Key.ATTENTION_BIAS).orElse(true));
    }

    private static final class GptOssModel extends SparseModel {
        private final boolean attentionBias;

        GptOssModel(Numbers n, Experts experts, Rope rope, List<Integer> windows, boolean attentionBias) {
            super("gpt_oss", n, experts, rope, windows);
            this.attentionBias = attentionBias;
        }

        @Override
        protected String ffnNorm() {
            return "post_attention_norm";
        }

        @Override
        public HuggingFaceNames names() {
            return super.names().with(new Rename("model.layers.*.self_attn.sinks", "blk.*.attn_sinks.weight"),
                    new Rename("model.layers.*.mlp.router", "blk.*.ffn_gate_inp"),
                    new Rename(EXPERTS + "gate_up_proj", ExpertWeights.GATE_UP_INPUTS), new Rename(EXPERTS + "down_proj", ExpertWeights.DOWN_INPUTS),
                    new Rename(EXPERTS + "gate_up_proj_bias", "blk.*.ffn_gate_up_exps.bias"),
                    new Rename(EXPERTS + "down_proj_bias", "blk.*.ffn_down_exps.bias"),
                    new Rename(EXPERTS + "gate_up_proj_blocks", "blk.*.ffn_gate_up_exps.blocks"),
                    new Rename(EXPERTS + "gate_up_proj_scales", "blk.*.ffn_gate_up_exps.scales"),
                    new Rename(EXPERTS + "down_proj_blocks", "blk.*.ffn_down_exps.blocks"),
                    new Rename(EXPERTS + "down_proj_scales", "blk.*.ffn_down_exps.scales"));
        }

        @Override
        public WeightSource adapt(WeightSource checkpoint) {
            int count = experts().count();
            int ffn = experts().ffn();
            int hidden = numbers().hidden();
            var source = super.adapt(checkpoint);
            var out = new ComposedWeights(ExpertWeights.transposed(source, count, hidden, ffn, true));
            for (int l = 0; l < numbers().layers(); l++) {
                String layer = "blk." + l + ".ffn_";
                String bias = layer + "gate_up_exps.bias";
                String blocks = layer + "gate_up_exps.blocks";
                String scales = layer + "gate_up_exps.scales";
                for (int half = 0; half < 2; half++) {
                    int first = half;
                    String matrix = layer + (half == 0 ? "gate_exps" : "up_exps");
                    if (source.find(bias).isPresent()) {
                        out.make(matrix + ".bias", Set.of(bias), () -> new Assembled(matrix + ".bias",
                                List.of(new Strided(source.tensor(bias), first, count, 2L * ffn, ffn, 2))));
                    }
                    if (source.find(blocks).isPresent()) {
                        out.make(matrix + ".weight", Set.of(blocks, scales), () -> packed(matrix + ".weight", source.tensor(blocks),
                                source.tensor(scales), first, (long) count * ffn, 2, hidden));
                    }
                }
                String downBlocks = layer + "down_exps.blocks";
                String downScales = layer + "down_exps.scales";
                String down = layer + "down_exps.weight";
                if (source.find(downBlocks).isPresent()) {
                    out.make(down, Set.of(downBlocks, downScales), () -> packed(down, source.tensor(downBlocks), source.tensor(downScales), 0,
                            (long) count * hidden, 1, ffn));
                }
            }
            return out;
        }

        private static Assembled packed(String name, Tensor blocks, Tensor scales, int first, long rows, int step, long cols) {
            return new Assembled(name, List.of(new SplitBlocks(blocks, scales, first, rows, step, cols)));
        }

        @Override
        protected boolean biased(String part) {
            return isAttention(part) ? attentionBias : part.startsWith("ffn_") && !part.endsWith("_norm");
        }

        @Override
        protected Decoder.Attention attention(int layer) {
            var plain = super.attention(layer);
            return new Decoder.Attention(plain.shape(), plain.rope(), plain.scores().sinks(Decoder.name(layer, "attn_sinks")));
        }
    }
}
