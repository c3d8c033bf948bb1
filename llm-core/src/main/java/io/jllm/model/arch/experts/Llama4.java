package io.jllm.model.arch.experts;

import io.jllm.ModelLoadException;
import io.jllm.model.Architecture;
import io.jllm.model.ExpertOp;
import io.jllm.model.HeadOp;
import io.jllm.model.Key;
import io.jllm.model.Keys;
import io.jllm.model.Limits;
import io.jllm.model.Op;
import io.jllm.model.Rope;
import io.jllm.model.Rotary;
import io.jllm.model.Scores;
import io.jllm.model.Value;
import io.jllm.model.decoder.ConfigDefaults;
import io.jllm.model.decoder.Decoder;
import io.jllm.model.decoder.ExpertWeights;
import io.jllm.model.decoder.Experts;
import io.jllm.model.decoder.Numbers;
import io.jllm.model.decoder.SparseModel;
import io.jllm.quant.WeightSource;
import io.jllm.quant.safetensors.HuggingFaceNames;
import io.jllm.quant.safetensors.HuggingFaceNames.Rename;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.IntStream;

/**
 * Llama 4, of folders with images the part for text: layers that know no positions, whose queries get a temperature instead, between layers
 * that see windows that do not slide; q and k of these are normed after they are rotated. Experts are chosen by logits and weigh what they get.
 * Source: Meta, Llama 4, 2025.
 */
public final class Llama4 implements Architecture {
    private static final ConfigDefaults UNSAID = new ConfigDefaults(202_048, 5120, 16_384, 48, 40, OptionalInt.of(8), OptionalInt.of(128), 131_072,
            500_000, 1e-5, false, false);
    private static final Key DENSE_FFN = Key.FFN.named("intermediate_size_mlp");
    private static final Key EXPERT_STEP = Key.whole("interleave_moe_layer_step", 1, Limits.LAYERS, "interleave_moe_layer_step");
    /** The further names are ours in GGUF: files of llama.cpp mean what is usual. */
    private static final Key EXPERT_LAYERS = Key.whole("moe_layers", 0, Limits.LAYERS, "moe_layers");
    private static final Key ROTATES = Key.whole("rope.layers", 0, 1, "no_rope_layers");
    private static final Key INTERVAL = Key.whole("rope.layer_interval", 1, Integer.MAX_VALUE, "no_rope_layer_interval");
    private static final Key CHUNK = Key.whole("attention.chunk_size", 0, Integer.MAX_VALUE, "attention_chunk_size");
    /** What a GGUF file says where {@code config.json} says null. */
    private static final Key NO_CHUNK = Key.whole(CHUNK.gguf(), 0, 0);
    private static final Key LAYER_TYPES = Key.text("attention.layer_types", "layer_types");
    private static final Key NORMS_HEADS = Key.flag("attention.qk_norm", "use_qk_norm");
    private static final Key TUNED = Key.flag("attention.temperature_tuning", "attn_temperature_tuning");
    private static final Key TEMPERATURE_EVERY = Key.whole("attention.temperature_length", 1, Integer.MAX_VALUE, "floor_scale");
    private static final Key TEMPERATURE_SCALE = Key.notNegative("attention.temperature_scale", "attn_scale");
    /** In GGUF files, 0 for a model whose layers all rotate and see all positions. */
    private static final Key NO_WINDOW = Key.whole(Key.WINDOW.gguf(), 0, Integer.MAX_VALUE);
    private static final int USUAL_CHUNK = 8192;
    /** The model of so many experts does not norm heads. */
    private static final int EXPERTS_WITHOUT_NORMS = 128;

    @Override
    public String name() {
        return "llama4_text";
    }

    @Override
    public String ggufName() {
        return "llama4";
    }

    @Override
    public List<String> multimodal() {
        return List.of("llama4");
    }

    @Override
    public Model read(Keys keys) {
        keys.activation(Op.Activation.SILU);
        var all = Numbers.read(keys, UNSAID, Key.RMS_EPS);
        int layers = all.layers();
        var n = new Numbers(layers, all.hidden(), keys.integer(DENSE_FFN, UNSAID.ffn()), all.shape(), all.eps(), all.context(), all.vocab(),
                all.tied());
        int count = Experts.count(keys, 16);
        var experts = new Experts(count, Experts.used(keys, count, 1), keys.integer(Experts.FFN.named("intermediate_size"), 8192), false)
                .routed(new ExpertOp.Scoring.Sigmoid(), Optional.empty(), 1).weighingInputs();
        boolean windowless = keys.optionalInteger(NO_WINDOW).orElse(1) == 0;
        var rotated = rotated(keys, layers, windowless);
        var temperature = new Temperature(keys.flag(TUNED, true, !windowless), keys.integer(TEMPERATURE_EVERY, 8192, 8192),
                (float) keys.real(TEMPERATURE_SCALE, 0.1, 0.1));
        var rope = keys.rope(Rotary.of(n.shape().headDim(), n.context()).base(Key.ROPE_BASE, UNSAID.ropeBase())
                .layouts(Rope.Layout.INTERLEAVED, Rope.Layout.INTERLEAVED));
        return new Llama4Model(n, experts, rope, chunks(keys, rotated, windowless), rotated, sparse(keys, layers), temperature,
                keys.flag(NORMS_HEADS, true, count != EXPERTS_WITHOUT_NORMS), keys.flag(Key.ATTENTION_BIAS).orElse(false));
    }

    /** By default all but each fourth. */
    private static List<Boolean> rotated(Keys keys, int layers, boolean all) {
        int interval = keys.integer(INTERVAL, 4, all ? layers + 1 : 4);
        var said = keys.list(ROTATES);
        if (!said.isEmpty()) {
            Limits.check("length of " + keys.name(ROTATES), said.size(), layers, Limits.LAYERS);
        }
        return IntStream.range(0, layers).mapToObj(l -> said.isEmpty() ? (l + 1) % interval != 0 : said.get(l) == 1).toList();
    }

    /** By default layers that rotate see one. */
    private static List<Integer> chunks(Keys keys, List<Boolean> rotated, boolean none) {
        int chunk = keys.isNull(CHUNK) ? keys.integer(NO_CHUNK, 0) : keys.integer(CHUNK, USUAL_CHUNK, none ? 0 : USUAL_CHUNK);
        var types = keys.texts(LAYER_TYPES);
        if (types.isEmpty()) {
            return rotated.stream().map(r -> r ? chunk : 0).toList();
        }
        return checked(keys, rotated.size(), types).stream().map(t -> t.equals("full_attention") ? 0 : chunk).toList();
    }

    private static List<String> checked(Keys keys, int layers, List<String> types) {
        if (types.size() != layers) {
            throw new ModelLoadException(keys.name(LAYER_TYPES) + " has " + types.size() + " entries; " + keys.furtherName(Key.LAYERS) + " is "
                    + layers);
        }
        types.stream().filter(type -> !type.equals("full_attention") && !type.equals("chunked_attention")).findFirst().ifPresent(type -> {
            throw new ModelLoadException(keys.name(LAYER_TYPES) + " has \"" + type + "\"; supported are full_attention and chunked_attention");
        });
        return types;
    }

    private static List<Boolean> sparse(Keys keys, int layers) {
        int step = keys.integer(EXPERT_STEP, 1);
        boolean listed = keys.has(EXPERT_LAYERS);
        var said = keys.list(EXPERT_LAYERS);
        return IntStream.range(0, layers).mapToObj(l -> listed ? said.contains(l) : (l + 1) % step == 0).toList();
    }

    /** Of queries of layers that know no positions. */
    private record Temperature(boolean tuned, int every, float scale) {
    }

    private static final class Llama4Model extends SparseModel {
        private final List<Integer> chunks;
        private final List<Boolean> rotated;
        private final List<Boolean> sparse;
        private final Temperature temperature;
        private final boolean normsHeads;
        private final boolean attentionBias;

        Llama4Model(Numbers n, Experts experts, Rope rope, List<Integer> chunks, List<Boolean> rotated, List<Boolean> sparse, Temperature temperature,
                    boolean normsHeads, boolean attentionBias) {
            super("llama4_text", n, experts, rope, chunks);
            this.chunks = chunks;
            this.rotated = rotated;
            this.sparse = sparse;
            this.temperature = temperature;
            this.normsHeads = normsHeads;
            this.attentionBias = attentionBias;
        }

        @Override
        public HuggingFaceNames names() {
            return super.names().with(Experts.sharedNames("feed_forward.shared_expert")).with(
                    new Rename("model.layers.*.feed_forward.router", "blk.*.ffn_gate_inp"),
                    new Rename("model.layers.*.feed_forward.experts.gate_up_proj", ExpertWeights.GATE_UP_INPUTS),
                    new Rename("model.layers.*.feed_forward.experts.down_proj", ExpertWeights.DOWN_INPUTS),
                    new Rename("model.layers.*.feed_forward.gate_proj", "blk.*.ffn_gate"),
                    new Rename("model.layers.*.feed_forward.up_proj", "blk.*.ffn_up"),
                    new Rename("model.layers.*.feed_forward.down_proj", "blk.*.ffn_down"));
        }

        @Override
        public WeightSource adapt(WeightSource checkpoint) {
            return ExpertWeights.transposed(super.adapt(checkpoint), experts().count(), numbers().hidden(), experts().ffn(), false);
        }

        @Override
        protected boolean biased(String part) {
            return attentionBias && isAttention(part);
        }

        @Override
        protected boolean isSparse(int layer) {
            return sparse.get(layer);
        }

        @Override
        protected Value attended(Decoder d, Value x, Value h, int layer) {
            var shape = numbers().shape();
            Value qkv = d.qkv(h, layer, shape);
            if (rotated.get(layer)) {
                qkv = d.ops().rotate(qkv, shape, rope());
                qkv = normsHeads ? d.ops().normHeads(qkv, shape, headNorm(), headNorm(), 0) : qkv;
            }
            Value q = d.ops().ropeStoreKv(qkv, layer, shape, Rope.none(shape.headDim()), Optional.empty());
            boolean tuned = temperature.tuned && !rotated.get(layer);
            q = tuned ? d.ops().scaleQueries(q, temperature.scale, temperature.every, 1) : q;
            Value heads = d.ops().attention(q, layer, shape, Scores.of(shape.headDim()).chunks(chunks.get(layer)));
            return d.linearAdd(x, heads, layer, "attn_output");
        }

        private Optional<HeadOp.HeadNorm> headNorm() {
            return Optional.of(new HeadOp.HeadNorm(HeadOp.Kind.RMS, HeadOp.Scope.ALIKE, Optional.empty(), Optional.empty(), numbers().eps()));
        }

        @Override
        protected Value mixed(Decoder d, Value x, Value h, int layer) {
            return experts().shared(d, super.mixed(d, x, h, layer), h, layer, experts().ffn());
        }
    }
}
