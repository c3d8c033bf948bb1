package io.jllm.load;

import io.jllm.ModelLoadException;
import io.jllm.json.ConfigJson;
import io.jllm.model.Architecture;
import io.jllm.model.Key;
import io.jllm.model.Keys;
import io.jllm.model.Limits;
import io.jllm.model.Rope;
import io.jllm.model.Rotary;
import io.jllm.model.arch.Families;
import io.jllm.quant.gguf.GgufValue;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/**
 * A Hugging Face {@code config.json}, as transformers 4 and 5 write it. What it leaves unsaid is what the configuration classes
 * of transformers assume. Notes what it is asked for, as GGUF metadata.
 */
final class HuggingFaceKeys implements Keys {
    private final ConfigJson json;
    private final Map<String, GgufValue> gguf = new LinkedHashMap<>();
    private float[] ropeFactors = {};

    HuggingFaceKeys(ConfigJson json) {
        this.json = json;
    }

    /**
     * A family and its model.
     *
     * @throws ModelLoadException if something is missing, out of range or not supported; the message names key, value and limit
     */
    static FamilyModel read(ConfigJson json, List<Architecture> families) {
        var name = json.text("model_type").orElseThrow(() -> new ModelLoadException(
                json.name("model_type") + " is missing: it names the model family"));
        Architecture family;
        try {
            family = Families.named(families, name);
        } catch (ModelLoadException e) {
            throw new ModelLoadException(json.name("model_type") + ": " + e.getMessage(), e);
        }
        HuggingFaceQuantization.check(json);
        var keys = new HuggingFaceKeys(json);
        var model = family.read(keys);
        return new FamilyModel(model, Optional.of(new GgufForm(family.ggufName(), keys.written(), keys.ropeFactors, model::ggufOrder)));
    }

    /** The spelling that the file has, or else the usual one. */
    private String spelling(Key key) {
        var names = key.huggingFace();
        return names.stream().filter(json::mentions).findFirst().orElseGet(() -> names.isEmpty() ? key.gguf() : names.getFirst());
    }

    @Override
    public String name(Key key) {
        return json.name(spelling(key));
    }

    @Override
    public String furtherName(Key key) {
        return spelling(key);
    }

    @Override
    public boolean knows(Key key) {
        return !key.huggingFace().isEmpty();
    }

    @Override
    public boolean has(Key key) {
        return knows(key) && json.has(spelling(key));
    }

    private boolean mentions(Key key) {
        return knows(key) && json.mentions(spelling(key));
    }

    @Override
    public int integer(Key key) {
        var range = key.wholes();
        return note(key, json.integer(spelling(key), range.min(), range.max()));
    }

    @Override
    public int integer(Key key, int unsaid) {
        return mentions(key) ? integer(key) : note(key, unsaid);
    }

    @Override
    public OptionalInt optionalInteger(Key key) {
        return has(key) ? OptionalInt.of(integer(key)) : OptionalInt.empty();
    }

    @Override
    public int uniform(Key key, int layers, int unsaid) {
        return integer(key, unsaid);
    }

    @Override
    public List<Integer> integers(Key key, int layers) {
        if (!(json.value(spelling(key)).filter(v -> v.isJsonArray()).isPresent())) {
            return Collections.nCopies(layers, integer(key));
        }
        var values = json.integers(spelling(key)).stream().map(v -> key.check(name(key), v)).toList();
        if (values.size() != layers) {
            throw new ModelLoadException(name(key) + " has " + values.size() + " values; the model has " + layers + " layers");
        }
        note(key, new GgufValue.Ints(GgufValue.Type.INT32, values.stream().mapToLong(v -> v).toArray()));
        return values;
    }

    @Override
    public double real(Key key, double unsaid) {
        double value = key.check(name(key), json.real(spelling(key)).orElse(unsaid));
        note(key, new GgufValue.Real(GgufValue.Type.FLOAT32, (float) value));
        return value;
    }

    @Override
    public OptionalDouble optionalReal(Key key) {
        return has(key) ? OptionalDouble.of(real(key, 0)) : OptionalDouble.empty();
    }

    @Override
    public Optional<String> text(Key key) {
        var value = knows(key) ? json.text(spelling(key)) : Optional.<String>empty();
        value.ifPresent(v -> note(key, new GgufValue.Text(v)));
        return value;
    }

    @Override
    public List<String> texts(Key key) {
        var values = knows(key) ? json.texts(spelling(key)) : List.<String>of();
        if (!values.isEmpty()) {
            note(key, new GgufValue.Texts(values));
        }
        return values;
    }

    @Override
    public Optional<Boolean> flag(Key key) {
        var value = knows(key) ? json.bool(spelling(key)) : Optional.<Boolean>empty();
        value.ifPresent(v -> note(key, new GgufValue.Bool(v)));
        return value;
    }

    @Override
    public int context(Key key, int unsaid) {
        return note(key, Limits.context(name(key), json.integer(spelling(key)), unsaid));
    }

    @Override
    public int vocab(String table, int unsaid) {
        return integer(Key.VOCAB, unsaid);
    }

    @Override
    public int kvHeads(int layers, int heads, OptionalInt unsaid) {
        var key = Key.KV_HEADS.atMost(heads);
        if (has(key)) {
            return integer(key);
        }
        // more than there are heads cannot be meant
        return note(key, mentions(key) ? heads : Math.min(unsaid.orElse(heads), heads));
    }

    @Override
    public int headDim(int hidden, int heads, OptionalInt unsaid) {
        int dim = readHeadDim(hidden, heads, unsaid);
        if ((long) dim * heads != hidden) {
            note(Key.HEAD_DIM, dim);
            note(Key.VALUE_DIM, dim);
        }
        return dim;
    }

    private int readHeadDim(int hidden, int heads, OptionalInt unsaid) {
        if (has(Key.HEAD_DIM)) {
            var range = Key.HEAD_DIM.wholes();
            return json.integer(spelling(Key.HEAD_DIM), range.min(), range.max());
        }
        if (unsaid.isPresent()) {
            return unsaid.getAsInt();
        }
        var headsName = furtherName(Key.HEADS);
        if (hidden % heads != 0) {
            throw new ModelLoadException(name(Key.HIDDEN) + " is " + hidden + ", which " + headsName + " " + heads
                    + " does not divide, and there is no " + furtherName(Key.HEAD_DIM));
        }
        return Key.HEAD_DIM.check(name(Key.HIDDEN) + " / " + headsName, hidden / heads);
    }

    @Override
    public List<Integer> windows(int layers, Architecture.WindowRule rule) {
        var windows = HuggingFaceWindows.of(json, layers, rule);
        int window = windows.stream().mapToInt(w -> w).max().orElse(0);
        if (window > 0) {
            note(Key.WINDOW, window);
            if (windows.contains(0)) {
                var pattern = new boolean[layers];
                for (int l = 0; l < layers; l++) {
                    pattern[l] = windows.get(l) > 0;
                }
                note(Key.WINDOW_LAYERS, new GgufValue.Bools(pattern));
            }
        }
        return windows;
    }

    @Override
    public Rope rope(Rotary rotary) {
        var read = HuggingFaceRope.of(json, rotary);
        note(rotary.base(), new GgufValue.Real(GgufValue.Type.FLOAT32, (float) read.theta()));
        note(rotary.dims(), read.dims());
        var rope = read.rope(rotary);
        switch (read.scaling()) {
            case RopeScaling.None _ -> { }
            case RopeScaling.Linear linear -> {
                note(Key.ROPE_SCALING, new GgufValue.Text("linear"));
                note(Key.ROPE_FACTOR, new GgufValue.Real(GgufValue.Type.FLOAT32, (float) linear.factor()));
            }
            case RopeScaling.Llama3 _ -> {
                // what the plain frequencies are divided by to become the scaled ones
                var plain = read.plainFrequencies();
                ropeFactors = new float[plain.length];
                for (int i = 0; i < plain.length; i++) {
                    ropeFactors[i] = plain[i] / rope.invFreq()[i];
                }
            }
        }
        return rope;
    }

    private Map<String, GgufValue> written() {
        var sorted = new LinkedHashMap<String, GgufValue>();
        Key.WRITTEN.stream().map(Key::gguf).filter(gguf::containsKey).forEach(name -> sorted.put(name, gguf.get(name)));
        gguf.forEach(sorted::putIfAbsent);
        return sorted;
    }

    private int note(Key key, int value) {
        note(key, new GgufValue.Int(value < 0 ? GgufValue.Type.INT32 : GgufValue.Type.UINT32, value));
        return value;
    }

    private void note(Key key, GgufValue value) {
        if (!key.gguf().isEmpty()) {
            gguf.put(key.gguf(), value);
        }
    }
}
