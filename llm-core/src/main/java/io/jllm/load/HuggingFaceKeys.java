package io.jllm.load;

import io.jllm.ModelLoadException;
import io.jllm.json.ConfigJson;
import io.jllm.model.Architecture;
import io.jllm.model.Key;
import io.jllm.model.Keys;
import io.jllm.model.Limits;
import io.jllm.model.Rope;
import io.jllm.model.Rotary;
import io.jllm.quant.gguf.GgufValue;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.function.DoubleSupplier;
import java.util.function.IntSupplier;
import java.util.function.Supplier;

/**
 * A Hugging Face {@code config.json}, as transformers 4 and 5 write it. What it leaves unsaid is what the configuration classes
 * of transformers assume. Notes what it is asked for, as GGUF metadata.
 */
final class HuggingFaceKeys implements Keys {
    private final ConfigJson json;
    private final GgufNotes notes = new GgufNotes();

    HuggingFaceKeys(ConfigJson json) {
        this.json = json;
    }

    /** Where something may stand: in the file, or among the parameters of rotation. */
    private record Place(ConfigJson in, String key) {
        boolean isMentioned() {
            return in.mentions(key);
        }
    }

    /** Where the file has it, or else where it usually is. */
    private Place place(Key key) {
        var names = key.huggingFace();
        var places = (names.isEmpty() ? List.of(key.gguf()) : names).stream().map(this::place).toList();
        return places.stream().filter(Place::isMentioned).findFirst().orElse(places.getFirst());
    }

    private Place place(String name) {
        return name.startsWith(Key.IN_ROPE_PARAMETERS) ? HuggingFaceRope.parameters(json)
                .map(p -> new Place(p, name.substring(Key.IN_ROPE_PARAMETERS.length()))).orElse(new Place(json, name)) : new Place(json, name);
    }

    @Override
    public String name(Key key) {
        var place = place(key);
        return place.in.name(place.key);
    }

    @Override
    public String furtherName(Key key) {
        return place(key).key;
    }

    @Override
    public boolean knows(Key key) {
        return !key.huggingFace().isEmpty();
    }

    @Override
    public boolean has(Key key) {
        var place = place(key);
        return knows(key) && place.in.has(place.key);
    }

    @Override
    public boolean isNull(Key key) {
        return mentions(key) && !has(key);
    }

    private boolean mentions(Key key) {
        return knows(key) && place(key).isMentioned();
    }

    @Override
    public int integer(Key key) {
        var place = place(key);
        var range = key.wholes();
        return note(key, place.in.integer(place.key, range.min(), range.max()));
    }

    @Override
    public int integer(Key key, int unsaid) {
        return mentions(key) ? integer(key) : note(key, unsaid);
    }

    @Override
    public int integer(Key key, int inFolder, int inFile) {
        return has(key) ? integer(key) : note(key, inFolder);
    }

    @Override
    public List<Integer> list(Key key) {
        var at = place(key);
        var values = knows(key) ? at.in.integers(at.key).stream().map(v -> key.check(name(key), v)).toList() : List.<Integer>of();
        if (!values.isEmpty()) {
            note(key, new GgufValue.Ints(GgufValue.Type.INT32, values.stream().mapToLong(v -> v).toArray()));
        }
        return values;
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
        var place = place(key);
        if (!(place.in.value(place.key).filter(v -> v.isJsonArray()).isPresent())) {
            return Collections.nCopies(layers, integer(key));
        }
        var values = place.in.integers(place.key).stream().map(v -> key.check(name(key), v)).toList();
        if (values.size() != layers) {
            throw new ModelLoadException(name(key) + " has " + values.size() + " values; the model has " + layers + " layers");
        }
        note(key, new GgufValue.Ints(GgufValue.Type.INT32, values.stream().mapToLong(v -> v).toArray()));
        return values;
    }

    @Override
    public double real(Key key, double unsaid) {
        var place = place(key);
        double value = key.check(name(key), place.in.real(place.key).orElse(unsaid));
        note(key, new GgufValue.Real(GgufValue.Type.FLOAT32, (float) value));
        return value;
    }

    @Override
    public double real(Key key, double inFolder, double inFile) {
        return real(key, inFolder);
    }

    @Override
    public double limit(Key key, double unsaid) {
        return real(key, mentions(key) ? 0 : unsaid);
    }

    @Override
    public OptionalDouble optionalReal(Key key) {
        return has(key) ? OptionalDouble.of(real(key, 0)) : OptionalDouble.empty();
    }

    @Override
    public Optional<String> text(Key key) {
        var place = place(key);
        var value = knows(key) ? place.in.text(place.key) : Optional.<String>empty();
        value.ifPresent(v -> note(key, new GgufValue.Text(v)));
        return value;
    }

    @Override
    public List<String> texts(Key key) {
        var place = place(key);
        var values = knows(key) ? place.in.texts(place.key) : List.<String>of();
        if (!values.isEmpty()) {
            note(key, new GgufValue.Texts(values));
        }
        return values;
    }

    @Override
    public Optional<Boolean> flag(Key key) {
        var place = place(key);
        var value = knows(key) ? place.in.bool(place.key) : Optional.<Boolean>empty();
        value.ifPresent(v -> note(key, new GgufValue.Bool(v)));
        return value;
    }

    @Override
    public boolean flag(Key key, boolean inFolder, boolean inFile) {
        return flag(key).orElseGet(() -> {
            note(key, new GgufValue.Bool(inFolder));
            return inFolder;
        });
    }

    @Override
    public int derivedInteger(Key key, IntSupplier folder, int missing) {
        return note(key, key.check(name(key), folder.getAsInt()));
    }

    @Override
    public double derivedReal(Key key, DoubleSupplier folder, double missing) {
        double value = key.check(name(key), folder.getAsDouble());
        note(key, new GgufValue.Real(GgufValue.Type.FLOAT32, (float) value));
        return value;
    }

    @Override
    public String derivedText(Key key, Supplier<String> folder, String missing) {
        var value = folder.get();
        note(key, new GgufValue.Text(value));
        return value;
    }

    @Override
    public int context(Key key, int unsaid) {
        return note(key, Limits.context(name(key), json.integer(place(key).key), unsaid));
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
            return json.integer(place(Key.HEAD_DIM).key, range.min(), range.max());
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
        int window = rule.isByLayer() ? window(rule) : windows.stream().mapToInt(w -> w).max().orElse(0);
        if (window > 0) {
            note(Key.WINDOW, window);
            if (rule.isByLayer()) {
                note(Key.WINDOW_LAYERS, HuggingFaceWindows.pattern(windows));
            } else if (windows.contains(0)) {
                note(Key.WINDOW_LAYERS, HuggingFaceWindows.flags(windows));
            }
        }
        return windows;
    }

    @Override
    public int window(Architecture.WindowRule rule) {
        return HuggingFaceWindows.window(json, rule);
    }

    @Override
    public Rope rope(Rotary rotary) {
        var read = HuggingFaceRope.of(json, rotary);
        note(rotary.base(), new GgufValue.Real(GgufValue.Type.FLOAT32, (float) read.theta()));
        note(rotary.dims(), read.dims());
        var rope = read.rope(rotary);
        GgufRope.write(read.scaling(), Rope.frequencies(read.dims(), read.theta()), rope, notes::put, notes::put);
        return rope;
    }

    /** What it was asked for. */
    GgufNotes notes() {
        return notes;
    }

    private int note(Key key, int value) {
        return notes.put(key, value);
    }

    private void note(Key key, GgufValue value) {
        notes.put(key, value);
    }
}
