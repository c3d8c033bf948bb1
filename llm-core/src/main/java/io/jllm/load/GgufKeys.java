package io.jllm.load;

import io.jllm.ModelLoadException;
import io.jllm.model.Architecture;
import io.jllm.model.Key;
import io.jllm.model.Keys;
import io.jllm.model.Limits;
import io.jllm.model.Rope;
import io.jllm.model.Rotary;
import io.jllm.model.arch.Families;
import io.jllm.quant.WeightSource;
import io.jllm.quant.gguf.GgufMetadata;
import io.jllm.quant.gguf.GgufValue;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.function.DoubleSupplier;
import java.util.function.IntSupplier;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/**
 * The metadata of a GGUF file, and the tensors that say more of its model. Keys are those of llama.cpp ({@code llama-arch.cpp}), with
 * the family's name before them.
 */
final class GgufKeys implements Keys {
    /** Where a file does not say for what context its model was trained: what llama.cpp gives a model at least. */
    private static final int UNSAID_CONTEXT = 4096;

    private static final System.Logger LOG = System.getLogger("io.jllm");

    private final String where;
    private final String prefix;
    private final GgufMetadata metadata;
    private final WeightSource weights;

    private GgufKeys(String where, String family, GgufMetadata metadata, WeightSource weights) {
        this.where = where;
        prefix = family + ".";
        this.metadata = metadata;
        this.weights = weights;
    }

    /**
     * A family's model.
     *
     * @param where how messages name the file
     * @throws ModelLoadException if something is missing, out of range or not supported; the message names key, value and limit
     */
    static FamilyModel read(String where, GgufMetadata metadata, WeightSource weights, List<Architecture> families) {
        try {
            var name = family(metadata);
            var family = Families.ofGguf(families, name);
            return new FamilyModel(family.read(new GgufKeys(where, name, metadata, weights)), Optional.empty());
        } catch (ModelLoadException | IllegalArgumentException e) {
            throw new ModelLoadException(where + ": " + e.getMessage(), e);
        }
    }

    private static String family(GgufMetadata metadata) {
        var type = metadata.text("general.type").orElse("model");
        if (!type.equals("model")) {
            throw new ModelLoadException("general.type is \"" + type + "\": the file is no model, but belongs to one; give the model's own file");
        }
        return metadata.text("general.architecture").orElseThrow(() -> new ModelLoadException(
                "general.architecture is missing: it names the model family"));
    }

    @Override
    public String name(Key key) {
        return prefix + (key.gguf().isEmpty() ? key.huggingFace().getFirst() : key.gguf());
    }

    @Override
    public String furtherName(Key key) {
        return name(key);
    }

    @Override
    public boolean knows(Key key) {
        return !key.gguf().isEmpty();
    }

    @Override
    public boolean has(Key key) {
        return knows(key) && metadata.entries().containsKey(name(key));
    }

    @Override
    public boolean isNull(Key key) {
        return false;
    }

    @Override
    public int integer(Key key) {
        return key.check(name(key), metadata.integer(name(key)).orElseThrow(() -> missing(key)));
    }

    @Override
    public int integer(Key key, int unsaid) {
        return integer(key);
    }

    @Override
    public int integer(Key key, int inFolder, int inFile) {
        return has(key) ? integer(key) : inFile;
    }

    @Override
    public List<Integer> list(Key key) {
        return has(key) ? Arrays.stream(metadata.integers(name(key)).orElse(new long[0])).mapToObj(v -> key.check(name(key), v)).toList() : List.of();
    }

    @Override
    public OptionalInt optionalInteger(Key key) {
        return has(key) ? OptionalInt.of(integer(key)) : OptionalInt.empty();
    }

    @Override
    public int uniform(Key key, int layers, int unsaid) {
        if (!(metadata.entries().get(name(key)) instanceof GgufValue.Ints)) {
            return integer(key);
        }
        var values = array(key, layers);
        for (long v : values) {
            if (v != values[0]) {
                throw new ModelLoadException(name(key) + " differs between layers (" + values[0] + " and " + v
                        + "), which this family does not support");
            }
        }
        return key.check(name(key), values[0]);
    }

    @Override
    public List<Integer> integers(Key key, int layers) {
        return metadata.entries().get(name(key)) instanceof GgufValue.Ints
                ? Arrays.stream(array(key, layers)).mapToObj(v -> key.check(name(key), v)).toList() : Collections.nCopies(layers, integer(key));
    }

    private long[] array(Key key, int layers) {
        var values = metadata.integers(name(key)).orElseThrow(() -> missing(key));
        if (values.length != layers) {
            throw new ModelLoadException(name(key) + " has " + values.length + " values; " + Key.LAYERS.gguf() + " is " + layers);
        }
        return values;
    }

    @Override
    public double real(Key key, double unsaid) {
        return key.check(name(key), metadata.real(name(key)).orElseThrow(() -> missing(key)));
    }

    @Override
    public double real(Key key, double inFolder, double inFile) {
        return has(key) ? real(key, inFolder) : inFile;
    }

    @Override
    public double limit(Key key, double unsaid) {
        return has(key) ? real(key, unsaid) : unsaid;
    }

    @Override
    public OptionalDouble optionalReal(Key key) {
        return has(key) ? OptionalDouble.of(real(key, 0)) : OptionalDouble.empty();
    }

    @Override
    public Optional<String> text(Key key) {
        return knows(key) ? metadata.text(name(key)) : Optional.empty();
    }

    @Override
    public List<String> texts(Key key) {
        return knows(key) ? metadata.texts(name(key)).orElse(List.of()) : List.of();
    }

    @Override
    public Optional<Boolean> flag(Key key) {
        return knows(key) ? metadata.bool(name(key)) : Optional.empty();
    }

    @Override
    public boolean flag(Key key, boolean inFolder, boolean inFile) {
        return flag(key).orElse(inFile);
    }

    @Override
    public int derivedInteger(Key key, IntSupplier folder, int missing) {
        return has(key) ? integer(key) : missing;
    }

    @Override
    public double derivedReal(Key key, DoubleSupplier folder, double missing) {
        return has(key) ? real(key, missing) : missing;
    }

    @Override
    public String derivedText(Key key, Supplier<String> folder, String missing) {
        return text(key).orElse(missing);
    }

    @Override
    public int context(Key key, int unsaid) {
        var name = name(key);
        if (!has(key)) {
            LOG.log(System.Logger.Level.WARNING, where + ": " + name + " is missing; a context of " + UNSAID_CONTEXT + " is taken");
        }
        var said = metadata.integer(name);
        return Limits.context(where + ": " + name, said.isPresent() ? Optional.of(said.getAsLong()) : Optional.empty(), UNSAID_CONTEXT);
    }

    @Override
    public int vocab(String name, int unsaid) {
        var table = weights.find(name);
        if (table.isPresent()) {
            return Key.VOCAB.check("rows of " + name, table.get().rows());
        }
        if (weights.names().isEmpty()) {
            throw new ModelLoadException("the file has a vocabulary only and no tensors: it can be used to tokenize, not to run");
        }
        throw new ModelLoadException("the tensor " + name + " is missing");
    }

    @Override
    public int kvHeads(int layers, int heads, OptionalInt unsaid) {
        return has(Key.KV_HEADS) ? uniform(Key.KV_HEADS.atMost(heads), layers, heads) : heads;
    }

    @Override
    public int headDim(int hidden, int heads, OptionalInt unsaid) {
        if (!has(Key.HEAD_DIM)) {
            if (hidden % heads != 0) {
                throw new ModelLoadException(name(Key.HIDDEN) + " is " + hidden + ", which " + Key.HEADS.gguf() + " " + heads
                        + " does not divide, and there is no " + Key.HEAD_DIM.gguf());
            }
            return Key.HEAD_DIM.check(name(Key.HIDDEN) + " / " + Key.HEADS.gguf(), hidden / heads);
        }
        int key = integer(Key.HEAD_DIM);
        int value = optionalInteger(Key.VALUE_DIM).orElse(key);
        if (key != value) {
            throw new ModelLoadException(name(Key.VALUE_DIM) + " is " + value + "; it must equal " + Key.HEAD_DIM.gguf() + ", " + key);
        }
        return key;
    }

    /** A number n as pattern leaves out every n-th layer. */
    @Override
    public List<Integer> windows(int layers, Architecture.WindowRule rule) {
        int window = window(rule);
        var key = name(Key.WINDOW_LAYERS);
        return switch (metadata.entries().get(key)) {
            case null -> everyOther(layers, window, rule.every());
            case GgufValue.Int n -> everyOther(layers, window, Limits.check(key, n.value(), 0, Limits.LAYERS));
            case GgufValue.Bools b when b.values().length == layers ->
                IntStream.range(0, layers).map(l -> b.values()[l] ? window : 0).boxed().toList();
            case GgufValue.Ints b when b.values().length == layers ->
                IntStream.range(0, layers).map(l -> b.values()[l] != 0 ? window : 0).boxed().toList();
            default -> throw new ModelLoadException(key + " must be a number or an array of " + layers + " booleans");
        };
    }

    @Override
    public int window(Architecture.WindowRule rule) {
        return optionalInteger(Key.WINDOW).orElse(rule.inFile());
    }

    private static List<Integer> everyOther(int layers, int window, long every) {
        return IntStream.range(0, layers).map(l -> every == 0 || l % every < every - 1 ? window : 0).boxed().toList();
    }

    @Override
    public Rope rope(Rotary rotary) {
        return GgufRope.read(this, weights, rotary);
    }

    /** A number without a look at its range. */
    OptionalDouble plain(Key key) {
        return metadata.real(name(key));
    }

    private ModelLoadException missing(Key key) {
        return new ModelLoadException(name(key) + " is missing");
    }
}
