package io.jllm.load;

import io.jllm.ModelLoadException;
import io.jllm.model.Key;
import io.jllm.model.Limits;
import io.jllm.model.Rope;
import io.jllm.model.Rotary;
import io.jllm.quant.DType;
import io.jllm.quant.Tensor;
import io.jllm.quant.WeightSource;
import io.jllm.quant.gguf.GgufValue;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.stream.IntStream;

/**
 * What a GGUF file says of a rotary embedding, read and written. Keys and tensors are llama.cpp's, and mean what it makes of them; a few of
 * our own stand beside them for what it cannot say, and count where they are there.
 */
final class GgufRope {
    /** As old files call {@link Key#ROPE_FACTOR}. */
    private static final Key OLD_FACTOR = Key.positive("rope.scale_linear");
    private static final Key ORIGINAL = Key.whole("rope.scaling.original_context_length", 1, Limits.CONTEXT);
    private static final Key MAGNITUDE = Key.positive("rope.scaling.attn_factor");
    private static final Key BETA_FAST = Key.positive("rope.scaling.yarn_beta_fast");
    private static final Key BETA_SLOW = Key.positive("rope.scaling.yarn_beta_slow");
    private static final Key EXTRAPOLATION = Key.notNegative("rope.scaling.yarn_ext_factor");
    /** What transformers calls {@code mscale_all_dim}; {@code mscale} is taken to be 1. */
    private static final Key ALL_DIMS = Key.notNegative("rope.scaling.yarn_log_multiplier");
    /** Ours: the magnitude itself, of which llama.cpp's is only a factor in YaRN. */
    private static final Key WHOLE_MAGNITUDE = Key.positive("rope.scaling.attention_factor");
    /** Ours: that of long texts, if it is another. */
    private static final Key LONG_MAGNITUDE = Key.positive("rope.scaling.attention_factor_long");
    /** Ours: whether the bounds of YaRN are widened to whole pairs, as they always are in llama.cpp. */
    private static final Key TRUNCATE = Key.flag("rope.scaling.yarn_truncate");
    /** Ours: the factor of a base that grows with texts that are longer than the original context. llama.cpp lets it be. */
    private static final Key DYNAMIC = Key.positive("rope.scaling.dynamic_factor");

    /** Of layers that see all positions, whatever the family. */
    private static final double UNSAID_BASE = 10_000;
    private static final double UNSAID_BETA_FAST = 32;
    private static final double UNSAID_BETA_SLOW = 1;
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private GgufRope() {
    }

    static Rope read(GgufKeys keys, WeightSource weights, Rotary rotary) {
        int dims = keys.optionalInteger(rotary.dims().atMost(rotary.headDim())).orElse(rotary.headDim());
        if (dims % 2 != 0) {
            throw new ModelLoadException(keys.name(rotary.dims()) + " is " + dims + "; it must be even");
        }
        double theta = keys.optionalReal(rotary.base()).orElse(rotary.base().equals(Key.ROPE_BASE) ? UNSAID_BASE : rotary.unsaidBase());
        if (!rotary.scaled()) {
            return new RopeScaling.None().rope(dims, theta, rotary.gguf(), rotary.attentionFactor());
        }
        var scaling = scaling(keys, weights, dims, rotary.context());
        float magnitude = switch (scaling) {
            case RopeScaling.Yarn _, RopeScaling.LongRope _ -> 1;
            case RopeScaling.None _, RopeScaling.Linear _, RopeScaling.Dynamic _, RopeScaling.Llama3 _ ->
                    (float) keys.optionalReal(MAGNITUDE).orElse(1);
        };
        var rope = scaling.rope(dims, theta, rotary.gguf(), rotary.attentionFactor() * magnitude);
        if (weights.find(GgufForm.ROPE_FACTORS).isPresent()) {
            var factors = vector(weights, GgufForm.ROPE_FACTORS, dims / 2);
            IntStream.range(0, dims / 2).forEach(i -> rope.invFreq()[i] /= factors.get(i));
        }
        return rope;
    }

    private static RopeScaling scaling(GgufKeys keys, WeightSource weights, int dims, int context) {
        var type = keys.text(Key.ROPE_SCALING).orElse("linear"); // as llama.cpp has it
        if (!List.of("none", "linear", "yarn", "longrope").contains(type)) {
            throw new ModelLoadException(keys.name(Key.ROPE_SCALING) + " is \"" + type + "\"; supported are none, linear, yarn and longrope");
        }
        int original = keys.optionalInteger(ORIGINAL).orElse(context);
        double factor = type.equals("none") ? 1 : factor(keys);
        // these count whatever the type: llama.cpp's converter does not write it beside those of Phi-3
        if (weights.find(GgufForm.LONG_FACTORS).isPresent() && weights.find(GgufForm.SHORT_FACTORS).isPresent()) {
            double magnitude = keys.optionalReal(WHOLE_MAGNITUDE).orElse(keys.optionalReal(MAGNITUDE).orElse(1));
            return new RopeScaling.LongRope(times(factor, vector(weights, GgufForm.SHORT_FACTORS, dims / 2)),
                    times(factor, vector(weights, GgufForm.LONG_FACTORS, dims / 2)), original, magnitude,
                    keys.optionalReal(LONG_MAGNITUDE).orElse(magnitude));
        }
        if (type.equals("yarn")) {
            return yarn(keys, factor, original);
        }
        if (keys.has(DYNAMIC)) {
            return new RopeScaling.Dynamic(keys.real(DYNAMIC, 1), original);
        }
        return factor == 1 ? new RopeScaling.None() : new RopeScaling.Linear(factor);
    }

    /** llama.cpp reads an absent or zero factor as none. */
    private static double factor(GgufKeys keys) {
        var key = keys.has(Key.ROPE_FACTOR) ? Key.ROPE_FACTOR : OLD_FACTOR;
        double factor = keys.plain(key).orElse(0);
        return factor == 0 ? 1 : key.check(keys.name(key), factor);
    }

    private static RopeScaling yarn(GgufKeys keys, double factor, int original) {
        keys.optionalReal(EXTRAPOLATION).ifPresent(x -> {
            if (x != 1) {
                throw new ModelLoadException(keys.name(EXTRAPOLATION) + " is " + x + "; supported is 1");
            }
        });
        double all = keys.optionalReal(ALL_DIMS).orElse(0);
        double told = RopeScaling.Yarn.magnitude(factor, 1) / (all == 0 ? 1 : RopeScaling.Yarn.magnitude(factor, all))
                * keys.optionalReal(MAGNITUDE).orElse(1);
        return new RopeScaling.Yarn(factor, original, keys.optionalReal(BETA_FAST).orElse(UNSAID_BETA_FAST),
                keys.optionalReal(BETA_SLOW).orElse(UNSAID_BETA_SLOW), keys.flag(TRUNCATE).orElse(true),
                keys.optionalReal(WHOLE_MAGNITUDE).orElse(told));
    }

    private static List<Float> times(double factor, List<Float> values) {
        return values.stream().map(v -> v * (float) factor).toList();
    }

    private static List<Float> vector(WeightSource weights, String name, int length) {
        Tensor t = weights.tensor(name);
        if (t.type() != DType.F32 || t.rows() * t.cols() != length) {
            throw new ModelLoadException(name + " has " + t.rows() * t.cols() + " values of type " + t.type() + "; it must have " + length
                    + " of type F32");
        }
        var out = new ArrayList<Float>();
        for (int i = 0; i < length; i++) {
            out.add((float) Limits.positive(name + " value " + i, t.data().get(FLOAT, 4L * i)));
        }
        return out;
    }

    /**
     * What a file says of a scaling.
     *
     * @param plain the frequencies without it
     * @param rope the rotation with it
     * @param keys takes keys and their values
     * @param vectors takes tensors by name
     */
    static void write(RopeScaling scaling, float[] plain, Rope rope, BiConsumer<Key, GgufValue> keys, BiConsumer<String, List<Float>> vectors) {
        switch (scaling) {
            case RopeScaling.None _ -> { }
            case RopeScaling.Linear s -> {
                keys.accept(Key.ROPE_SCALING, new GgufValue.Text("linear"));
                keys.accept(Key.ROPE_FACTOR, real(s.factor()));
            }
            case RopeScaling.Dynamic s -> {
                keys.accept(DYNAMIC, real(s.factor()));
                keys.accept(ORIGINAL, whole(s.context()));
            }
            case RopeScaling.Llama3 _ ->
                // what the plain frequencies are divided by to become the scaled ones
                vectors.accept(GgufForm.ROPE_FACTORS, IntStream.range(0, plain.length).mapToObj(i -> plain[i] / rope.invFreq()[i]).toList());
            case RopeScaling.Yarn s -> {
                keys.accept(Key.ROPE_SCALING, new GgufValue.Text("yarn"));
                keys.accept(Key.ROPE_FACTOR, real(s.factor()));
                keys.accept(ORIGINAL, whole(s.originalContext()));
                keys.accept(BETA_FAST, real(s.betaFast()));
                keys.accept(BETA_SLOW, real(s.betaSlow()));
                keys.accept(MAGNITUDE, real(s.attentionFactor() / RopeScaling.Yarn.magnitude(s.factor(), 1)));
                keys.accept(WHOLE_MAGNITUDE, real(s.attentionFactor()));
                if (!s.truncate()) {
                    keys.accept(TRUNCATE, new GgufValue.Bool(false));
                }
            }
            case RopeScaling.LongRope s -> {
                keys.accept(Key.ROPE_SCALING, new GgufValue.Text("longrope"));
                keys.accept(ORIGINAL, whole(s.originalContext()));
                keys.accept(MAGNITUDE, real(s.shortMagnitude()));
                if (s.longMagnitude() != s.shortMagnitude()) {
                    keys.accept(LONG_MAGNITUDE, real(s.longMagnitude()));
                }
                vectors.accept(GgufForm.SHORT_FACTORS, s.shortFactors());
                vectors.accept(GgufForm.LONG_FACTORS, s.longFactors());
            }
        }
    }

    private static GgufValue real(double value) {
        return new GgufValue.Real(GgufValue.Type.FLOAT32, (float) value);
    }

    private static GgufValue whole(int value) {
        return new GgufValue.Int(GgufValue.Type.UINT32, value);
    }
}
