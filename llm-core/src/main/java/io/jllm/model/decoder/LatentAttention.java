package io.jllm.model.decoder;

import io.jllm.ModelLoadException;
import io.jllm.model.Key;
import io.jllm.model.Keys;
import io.jllm.model.LatentOp;
import io.jllm.model.Limits;
import io.jllm.model.Rope;
import io.jllm.model.Rotary;
import io.jllm.model.Scores;
import io.jllm.model.Value;
import io.jllm.quant.Assembled;
import io.jllm.quant.DType;
import io.jllm.quant.Part;
import io.jllm.quant.Rounded;
import io.jllm.quant.Strided;
import io.jllm.quant.Tensor;
import io.jllm.quant.WeightSource;
import io.jllm.quant.safetensors.HuggingFaceNames.Rename;
import io.jllm.quant.safetensors.HuggingFaceNames.Rule;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * Multi-head latent attention: see {@link LatentOp}. GGUF files say sizes as the cache has them; old ones as heads have them, and hold
 * {@code attn_kv_b} as checkpoints do.
 *
 * @param shape its heads
 * @param value floats of a head's value
 * @param qRank floats of the vector that queries come from; 0 if they come from what attention gets
 * @param rope how their last part is rotated, by neighbours
 * @param scores how it weighs positions
 */
public record LatentAttention(LatentOp.LatentShape shape, int value, int qRank, Rope rope, Scores scores) {
    /** What checkpoints call its tensors. */
    public static final Rule[] NAMES = {
        new Rename("model.layers.*.self_attn.q_a_proj", "blk.*.attn_q_a"),
        new Rename("model.layers.*.self_attn.q_a_layernorm", "blk.*.attn_q_a_norm"),
        new Rename("model.layers.*.self_attn.q_b_proj", "blk.*.attn_q_b"),
        new Rename("model.layers.*.self_attn.kv_a_proj_with_mqa", "blk.*.attn_kv_a_mqa"),
        new Rename("model.layers.*.self_attn.kv_a_layernorm", "blk.*.attn_kv_a_norm"),
        new Rename("model.layers.*.self_attn.kv_b_proj", "blk.*.attn_kv_b")};

    private static final Key Q_RANK = Key.whole("attention.q_lora_rank", 1, Limits.WIDTH, "q_lora_rank");
    private static final Key RANK = Key.whole("attention.kv_lora_rank", 1, Limits.WIDTH, "kv_lora_rank");
    private static final Key ROPE = Key.ROPE_DIMS.named("qk_rope_head_dim");
    private static final Key NOPE = Key.whole("", 1, Limits.HEAD_DIM, "qk_nope_head_dim");
    private static final Key VALUE = Key.whole("attention.value_length_mla", 1, Limits.HEAD_DIM, "v_head_dim");
    private static final Key HEAD = Key.whole("attention.key_length_mla", 2, 2L * Limits.HEAD_DIM);
    private static final Key CACHED_HEADS = Key.whole("attention.head_count_kv", 1, Limits.HEADS);
    private static final Key CACHED_KEY = Key.whole("attention.key_length", 1, 2L * Limits.WIDTH);
    private static final Key CACHED_VALUE = Key.whole("attention.value_length", 1, Limits.WIDTH);
    private static final Key SCALE_ALL = Key.notNegative("", Key.IN_ROPE_PARAMETERS + "mscale_all_dim");
    private static final Key TYPE = Key.text("", Key.IN_ROPE_PARAMETERS + "rope_type", Key.IN_ROPE_PARAMETERS + "type");
    private static final Key FACTOR = Key.positive("", Key.IN_ROPE_PARAMETERS + "factor");
    /** A tenth of that, in GGUF. */
    private static final Key LOG_MULTIPLIER = Key.notNegative("rope.scaling.yarn_log_multiplier");
    /** What multiplies cosine and sine: a part of it as llama.cpp has it, and ours, the whole. */
    private static final Key MAGNITUDE = Key.positive("rope.scaling.attn_factor");
    private static final Key WHOLE_MAGNITUDE = Key.positive("rope.scaling.attention_factor");
    private static final double TENTH = 0.1;
    /** Norms of the two vectors have it whatever the configuration says. */
    private static final float EPS = 1e-6f;
    private static final Pattern KV_B = Pattern.compile("(blk\\.\\d+)\\.attn_kv_b\\.weight");
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /**
     * Reads it.
     *
     * @param heads query heads
     * @param unsaidBase base of the rotary frequencies if nothing is said
     */
    public static LatentAttention read(Keys keys, int heads, int context, double unsaidBase) {
        boolean folder = keys.knows(NOPE);
        int rope = keys.integer(ROPE, 64);
        if (rope % 2 != 0) {
            throw new ModelLoadException(keys.name(ROPE) + " is " + rope + "; it must be even, as rotary embeddings turn pairs");
        }
        int latent = keys.integer(RANK, 512);
        boolean old = !folder && !keys.has(HEAD);
        int head = folder ? keys.integer(HEAD, keys.optionalInteger(NOPE).orElse(128) + rope) : keys.integer(old ? CACHED_KEY : HEAD);
        int value = keys.integer(old ? CACHED_VALUE : VALUE, 128);
        if (folder) {
            int kvHeads = keys.kvHeads(1, heads, OptionalInt.of(heads));
            if (kvHeads != heads) {
                throw new ModelLoadException(keys.name(Key.KV_HEADS) + " is " + kvHeads + "; latent attention supports only as many as "
                        + keys.furtherName(Key.HEADS) + ", " + heads);
            }
            keys.integer(CACHED_HEADS, 1);
            keys.integer(CACHED_KEY, latent + rope);
            keys.integer(CACHED_VALUE, latent);
        }
        Limits.check(keys.name(HEAD) + " without the rotated part", head - rope, 1, Limits.HEAD_DIM);
        Limits.check("the key of latent attention", latent + rope, 1, Limits.HEAD_DIM);
        int qRank = folder && keys.isNull(Q_RANK) ? 0 : folder ? keys.integer(Q_RANK, 1536) : keys.optionalInteger(Q_RANK).orElse(0);
        double stretched = stretched(keys, folder);
        double scale = stretched * stretched / Math.sqrt(head);
        var turned = keys.rope(Rotary.of(rope, context).base(Key.ROPE_BASE, unsaidBase).dims(ROPE)
                .layouts(Rope.Layout.INTERLEAVED, Rope.Layout.INTERLEAVED));
        return new LatentAttention(new LatentOp.LatentShape(heads, latent, rope, head - rope), value, qRank,
                stretched == 1 ? turned : magnitude(keys, folder, turned), Scores.scaled((float) scale));
    }

    /** Where a GGUF file has the multiplier, llama.cpp takes {@code mscale} to equal {@code mscale_all_dim}: their quotient is 1. */
    private static Rope magnitude(Keys keys, boolean folder, Rope rope) {
        if (folder) {
            keys.real(MAGNITUDE, rope.attentionFactor());
            return rope;
        }
        return keys.has(WHOLE_MAGNITUDE) ? rope : new Rope(rope.rotaryDim(), rope.layout(), rope.invFreq(),
                (float) keys.optionalReal(MAGNITUDE).orElse(1), rope.longer());
    }

    /** What stretched positions multiply scores by, as its square root: 1 if they are not, or it is not said. */
    private static double stretched(Keys keys, boolean folder) {
        double factor = keys.optionalReal(folder ? FACTOR : Key.ROPE_FACTOR).orElse(1);
        double all = folder ? keys.optionalReal(SCALE_ALL).orElse(0) : keys.optionalReal(LOG_MULTIPLIER).orElse(0) / TENTH;
        if (factor <= 1 || all == 0 || folder && keys.text(TYPE).orElse("default").equals("default")) {
            return 1;
        }
        if (folder) {
            keys.real(LOG_MULTIPLIER, TENTH * all);
        }
        return 1 + TENTH * all * Math.log(factor);
    }

    /** The heads of attention, of what a layer gets. */
    public Value heads(Decoder d, Value h, int layer) {
        int qDim = shape.heads() * (shape.nope() + shape.rope());
        Value q = qRank == 0 ? d.linear(h, layer, "attn_q", qDim)
                : d.linear(d.ops().rmsNorm(d.linear(h, layer, "attn_q_a", qRank), Decoder.name(layer, "attn_q_a_norm"), EPS), layer, "attn_q_b",
                qDim);
        Value kv = d.linear(h, layer, "attn_kv_a_mqa", shape.latent() + shape.rope());
        Value qkv = d.ops().latentQkv(q, kv, Decoder.name(layer, "attn_k_b"), shape, Decoder.name(layer, "attn_kv_a_norm"), EPS);
        Value all = d.ops().attention(d.ops().ropeStoreKv(qkv, layer, shape.attention(), rope, Optional.empty()), layer, shape.attention(), scores);
        return d.ops().headLinear(all, Decoder.name(layer, "attn_v_b"), shape.heads(), value, shape.rope());
    }

    /** A source with {@code attn_k_b} and {@code attn_v_b} for each {@code attn_kv_b}. */
    public WeightSource split(WeightSource source) {
        var out = new ComposedWeights(source);
        for (String name : source.names()) {
            Matcher m = KV_B.matcher(name);
            if (m.matches()) {
                String k = m.group(1) + ".attn_k_b.weight";
                String v = m.group(1) + ".attn_v_b.weight";
                out.make(k, Set.of(name), () -> keys(k, plain(checked(Rounded.apart(source.get(name)).plain()))));
                out.make(v, Set.of(name), () -> values(v, checked(source.tensor(name))));
            }
        }
        return out;
    }

    private Tensor checked(Tensor t) {
        long rows = (long) shape.heads() * (shape.nope() + value);
        if (t.rows() != rows || t.cols() != shape.latent()) {
            throw new ModelLoadException("tensor " + t.name() + " is " + t.rows() + " x " + t.cols() + ", the model needs " + rows + " x "
                    + shape.latent());
        }
        return t;
    }

    /** Blocks cannot be transposed: their values are held as floats. */
    private static Tensor plain(Tensor t) {
        return t.type().isQuantized() ? floats(t.name(), t) : t;
    }

    private static Tensor floats(String name, Tensor t) {
        var values = new float[Math.toIntExact(t.rows() * t.cols())];
        t.decode(0, Math.toIntExact(t.rows()), values, 0);
        MemorySegment data = Arena.ofAuto().allocate(DType.F32.bytes(values.length), Float.BYTES);
        for (int i = 0; i < values.length; i++) {
            data.setAtIndex(FLOAT, i, values[i]);
        }
        return new Tensor(name, DType.F32, t.rows(), t.cols(), data);
    }

    private Assembled keys(String name, Tensor kv) {
        long head = (long) (shape.nope() + value) * shape.latent();
        return new Assembled(name, IntStream.range(0, shape.heads())
                .mapToObj(h -> new Strided(kv, h * head, shape.latent(), 1, shape.nope(), shape.latent())).toList());
    }

    private Assembled values(String name, Tensor kv) {
        long head = shape.nope() + value;
        return new Assembled(name, IntStream.range(0, shape.heads())
                .mapToObj(h -> kv.rows(name, h * head + shape.nope(), (h + 1) * head)).toList());
    }

    /** A source of a checkpoint whose rotated parts turn halves together, with their rows in pairs. */
    public WeightSource paired(WeightSource source) {
        var out = new ComposedWeights(source);
        for (String name : source.names()) {
            boolean query = name.endsWith(qRank == 0 ? ".attn_q.weight" : ".attn_q_b.weight");
            if (query || name.endsWith(".attn_kv_a_mqa.weight")) {
                int heads = query ? shape.heads() : 1;
                int kept = query ? shape.nope() : shape.latent();
                out.make(name, Set.of(), () -> paired(name, source.tensor(name), heads, kept));
            } else if (name.endsWith(".attn_kv_a_mqa.bias")) {
                out.make(name, Set.of(), () -> pairedVector(name, source.tensor(name)));
            }
        }
        return out;
    }

    private Assembled paired(String name, Tensor t, int heads, int kept) {
        var parts = new ArrayList<Part>();
        for (int h = 0; h < heads; h++) {
            long from = (long) h * (kept + shape.rope());
            parts.add(t.rows(name, from, from + kept));
            for (int i = 0; i < shape.rope(); i++) {
                long row = from + kept + half(i);
                parts.add(t.rows(name, row, row + 1));
            }
        }
        return new Assembled(name, parts);
    }

    private Tensor pairedVector(String name, Tensor bias) {
        Tensor to = floats(name, bias);
        Tensor from = floats(name, bias);
        for (int i = 0; i < shape.rope(); i++) {
            to.data().setAtIndex(FLOAT, shape.latent() + i, from.data().getAtIndex(FLOAT, shape.latent() + half(i)));
        }
        return to;
    }

    /** Where the number of a pair stands among halves. */
    private int half(int i) {
        return i / 2 + i % 2 * (shape.rope() / 2);
    }
}
