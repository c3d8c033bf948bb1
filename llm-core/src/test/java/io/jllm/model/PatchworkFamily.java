package io.jllm.model;

import io.jllm.ModelLoadException;
import io.jllm.quant.WeightSource;
import io.jllm.quant.safetensors.HuggingFaceNames;
import io.jllm.quant.safetensors.HuggingFaceNames.Part;
import io.jllm.quant.safetensors.HuggingFaceNames.Rename;
import io.jllm.quant.safetensors.HuggingFaceNames.Split;
import java.util.List;
import java.util.Optional;

/**
 * A family that nobody made a model of: as unlike the known ones as ops allow. Its feed-forward part comes before attention; heads,
 * windows and kinds differ by layer; local layers rotate in another way than the others, which turn a part of each head;
 * scores have a scale of their own and a cap; norms store their weights less one; nearly all keys and all tensors have names of its own.
 * All that is special about it is in this file.
 */
public final class PatchworkFamily implements Architecture {
    private static final Key LAYERS = Key.whole("block_count", 1, Limits.LAYERS, "n_blocks", "n_layer");
    private static final Key WIDTH = Key.whole("embedding_length", 1, Limits.WIDTH, "width");
    private static final Key HEADS = Key.whole("attention.head_count", 1, Limits.HEADS, "heads_by_block");
    private static final Key KV_HEADS = Key.whole("attention.head_count_kv", 1, Limits.HEADS, "kv_heads_by_block");
    private static final Key HEAD_SIZE = Key.whole("attention.key_length", 2, Limits.HEAD_DIM, "head_size");
    private static final Key WINDOWS = Key.whole("attention.windows", 0, Integer.MAX_VALUE, "windows_by_block");
    private static final Key KINDS = Key.text("attention.kinds", "block_kinds");
    private static final Key SCALE = Key.positive("attention.scale", "attention_scale");
    private static final Key CAP = Key.positive("attn_logit_softcapping", "score_cap");
    private static final Key QUERY_BIAS = Key.flag("attention.query_bias", "query_bias");
    private static final Key BLEND = Key.text("blend", "blend");
    private static final Key LOCAL_BASE = Key.positive("rope.freq_base_swa", "local_theta");
    private static final Key LOCAL_DIMS = Key.whole("rope.dimension_count_swa", 2, Limits.HEAD_DIM);
    private static final String TABLE = "table.weight";

    @Override
    public String name() {
        return "patchwork";
    }

    @Override
    public String ggufName() {
        return "patch";
    }

    @Override
    public Model read(Keys keys) {
        int layers = keys.integer(LAYERS);
        int context = keys.context(Key.CONTEXT, 64);
        int headDim = keys.integer(HEAD_SIZE);
        keys.text(BLEND).filter(b -> !b.equals("none")).ifPresent(b -> {
            throw new ModelLoadException(keys.name(BLEND) + " is \"" + b + "\"; supported is none");
        });
        Rope wide = keys.rope(Rotary.of(headDim, context).ofLayers("full_attention").mayBePartial());
        Rope local = keys.rope(Rotary.of(headDim, context).ofLayers("sliding_attention").base(LOCAL_BASE, 300).dims(LOCAL_DIMS).unscaled()
                .layouts(Rope.Layout.NEOX, Rope.Layout.INTERLEAVED).attentionFactor(1.1f));
        return new Patchwork(keys.integer(WIDTH), keys.integer(Key.FFN, 40), keys.vocab(TABLE, 50), context, headDim, keys.integers(HEADS, layers),
                keys.integers(KV_HEADS, layers), keys.integers(WINDOWS, layers), keys.texts(KINDS), wide, local, (float) keys.real(SCALE, 0.5),
                (float) keys.optionalReal(CAP).orElse(0), (float) keys.real(Key.RMS_EPS, 1e-6), keys.flag(QUERY_BIAS).orElse(false),
                keys.activation(Op.Activation.GELU_TANH, Op.Activation.SILU));
    }

    private record Patchwork(int width, int ffn, int vocab, int context, int headDim, List<Integer> heads, List<Integer> kvHeads,
                             List<Integer> windows, List<String> kinds, Rope wide, Rope local, float scale, float cap, float eps, boolean queryBias,
                             Op.Activation activation) implements Model {
        @Override
        public HuggingFaceNames names() {
            return HuggingFaceNames.of(new Rename("trunk.table", "table"), new Rename("trunk.end", "end_norm"),
                    new Rename("trunk.blocks.*.before", "blk.*.mlp_norm"), new Rename("trunk.blocks.*.between", "blk.*.mix_norm"),
                    new Rename("trunk.blocks.*.mix.query", "blk.*.mix_q"), new Rename("trunk.blocks.*.mix.key", "blk.*.mix_k"),
                    new Rename("trunk.blocks.*.mix.value", "blk.*.mix_v"), new Rename("trunk.blocks.*.mix.back", "blk.*.mix_o"),
                    new Split("trunk.blocks.*.fused", List.of(new Part("blk.*.gate", ffn), new Part("blk.*.up", ffn))),
                    new Rename("trunk.blocks.*.down", "blk.*.down"));
        }

        @Override
        public WeightSource adapt(WeightSource checkpoint) {
            return new TransformedWeights(checkpoint, name -> name.endsWith("_norm.weight"), w -> 1 + w);
        }

        @Override
        public RowOrder ggufOrder(String tensor) {
            String[] parts = tensor.split("\\.");
            boolean rotated = parts.length == 4 && (parts[2].equals("mix_q") || parts[2].equals("mix_k"));
            return rotated && kinds.get(Integer.parseInt(parts[1])).equals("local") ? new RowOrder(headDim) : RowOrder.KEPT;
        }

        @Override
        public Built build(WeightSource tensors) {
            var p = new Program.Builder();
            Value x = p.embed(TABLE, vocab, width);
            for (int l = 0; l < heads.size(); l++) {
                x = attention(p, mlp(p, x, "blk." + l + "."), l, "blk." + l + ".");
            }
            Value logits = p.linear(p.rmsNorm(p.selectRows(x), "end_norm.weight", eps), new Weight(TABLE, vocab, Optional.empty()));
            var config = new ModelConfig("patchwork", heads.size(), width, ffn, heads.getFirst(), kvHeads.getFirst(), headDim, vocab, context, eps,
                    wide, windows, true, new ModelConfig.Biases(queryBias, false, false));
            return new Built(config, p.build(logits));
        }

        private Value mlp(Program.Builder p, Value x, String block) {
            Value gateUp = p.linear(p.rmsNorm(x, block + "mlp_norm.weight", eps), new Weight(block + "gate.weight", ffn, Optional.empty()),
                    new Weight(block + "up.weight", ffn, Optional.empty()));
            return p.linearAdd(x, p.gated(gateUp, activation), new Weight(block + "down.weight", width, Optional.empty()));
        }

        private Value attention(Program.Builder p, Value x, int layer, String block) {
            var shape = new Op.AttentionShape(heads.get(layer), kvHeads.get(layer), headDim);
            Value qkv = p.linear(p.rmsNorm(x, block + "mix_norm.weight", eps),
                    new Weight(block + "mix_q.weight", shape.qDim(), queryBias ? Optional.of(block + "mix_q.bias") : Optional.empty()),
                    new Weight(block + "mix_k.weight", shape.kvDim(), Optional.empty()),
                    new Weight(block + "mix_v.weight", shape.kvDim(), Optional.empty()));
            Value q = p.ropeStoreKv(qkv, layer, shape, kinds.get(layer).equals("local") ? local : wide, Optional.empty());
            return p.linearAdd(x, p.attention(q, layer, shape, Scores.scaled(scale).window(windows.get(layer)).softCap(cap)),
                    new Weight(block + "mix_o.weight", width, Optional.empty()));
        }
    }
}
