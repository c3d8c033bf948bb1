package io.jllm.model;

import io.jllm.ModelLoadException;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.function.DoubleSupplier;
import java.util.function.IntSupplier;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * What the files of one model say of it: {@code config.json} of a Hugging Face folder, or the metadata of a GGUF file. A family asks
 * for its numbers by {@link Key}, whichever kind of file it is, and does not know which.
 *
 * <p>Every method throws a {@link ModelLoadException} if a value is missing, of another kind than asked for, or out of its key's range;
 * the message names the key as the file at hand calls it, the value and the limit. What a folder is asked for is written under GGUF's
 * names when the model is converted, so that the two kinds of files cannot drift apart. For use by one thread.
 */
public interface Keys {
    /** How a message names a key that it begins with. */
    String name(Key key);

    /** How it names a further one. */
    String furtherName(Key key);

    /** Whether files of this kind can say it at all. */
    boolean knows(Key key);

    /** Whether it is there and not null. */
    boolean has(Key key);

    /** Whether it is there and null, as {@code config.json} may have it. */
    boolean isNull(Key key);

    /** A whole number. */
    int integer(Key key);

    /**
     * A whole number that {@code config.json} may leave out, but not set to null. A GGUF file must have it.
     *
     * @param unsaid what the transformers library takes then
     */
    int integer(Key key, int unsaid);

    /**
     * A whole number that files may leave out.
     *
     * @param inFolder what the transformers library takes then
     * @param inFile what a GGUF file means then
     */
    int integer(Key key, int inFolder, int inFile);

    /** Whole numbers, as many as there are; none if they are missing. */
    List<Integer> list(Key key);

    /** A whole number that may be missing. */
    OptionalInt optionalInteger(Key key);

    /**
     * As {@link #integer(Key, int)}, for what GGUF files may give for each layer: all must be equal.
     *
     * @param layers how many there are
     */
    int uniform(Key key, int layers, int unsaid);

    /** Whole numbers that may differ from layer to layer, one for each; a single one in the file holds for all. */
    List<Integer> integers(Key key, int layers);

    /** As {@link #integer(Key, int)}, for a number. */
    double real(Key key, double unsaid);

    /**
     * A number that files may leave out.
     *
     * @param inFolder what the transformers library takes then
     * @param inFile what a GGUF file means then
     */
    double real(Key key, double inFolder, double inFile);

    /**
     * A limit that {@code config.json} takes away by null: 0 then.
     *
     * @param unsaid what is meant where there is nothing, in either kind of file
     */
    double limit(Key key, double unsaid);

    /** A number that may be missing. */
    OptionalDouble optionalReal(Key key);

    /** A text that may be missing. */
    Optional<String> text(Key key);

    /** A list of texts; empty if it is missing. */
    List<String> texts(Key key);

    /** A flag that may be missing. */
    Optional<Boolean> flag(Key key);

    /** A flag, and what is meant where it is missing. */
    default boolean flag(Key key, boolean unsaid) {
        return flag(key, unsaid, unsaid);
    }

    /**
     * A whole number that {@code config.json} says in other words.
     *
     * @param folder what the words of a folder come to, which is written
     * @param missing what a GGUF file means that does not have the number
     */
    int derivedInteger(Key key, IntSupplier folder, int missing);

    /** As {@link #derivedInteger}, for a number. */
    double derivedReal(Key key, DoubleSupplier folder, double missing);

    /** As {@link #derivedInteger}, for a text. */
    String derivedText(Key key, Supplier<String> folder, String missing);

    /** As {@link #integer(Key, int, int)}, for a flag. */
    boolean flag(Key key, boolean inFolder, boolean inFile);

    /**
     * {@link Key#CONTEXT}. Where it is absurd, and where a GGUF file does not say it, that is no reason not to load the model: another is
     * taken, with a warning.
     *
     * @param key {@link Key#CONTEXT}, or the same under another name
     * @param unsaid what the transformers library takes if it is missing
     */
    int context(Key key, int unsaid);

    /**
     * {@link Key#VOCAB}; of a GGUF file, the rows of the embedding table: not all of them say it, and the list of tokens may be shorter.
     *
     * @param table GGUF's name of the embedding table
     * @param unsaid what the transformers library takes if it is missing
     */
    int vocab(String table, int unsaid);

    /**
     * {@link Key#KV_HEADS}, the same in all layers.
     *
     * @param heads {@link Key#HEADS}: the limit, and what null and a GGUF file that does not say it mean
     * @param unsaid what the transformers library takes if it is missing; empty for {@code heads}
     */
    int kvHeads(int layers, int heads, OptionalInt unsaid);

    /**
     * {@link Key#HEAD_DIM}.
     *
     * @param hidden {@link Key#HIDDEN}
     * @param heads {@link Key#HEADS}
     * @param unsaid what the transformers library takes if it is missing; empty, as of all GGUF files, for hidden / heads
     */
    int headDim(int hidden, int heads, OptionalInt unsaid);

    /**
     * {@link Key#WINDOW}, for each layer; 0 if it sees all positions. In a GGUF file it holds for all layers or for those that
     * {@link Key#WINDOW_LAYERS} marks.
     *
     * @param rule how {@code config.json} says which layers have one
     */
    List<Integer> windows(int layers, Architecture.WindowRule rule);

    /** {@link Key#WINDOW} itself, of the layers that have one by that rule; 0 for none. */
    int window(Architecture.WindowRule rule);

    /** A rotary embedding: its frequencies, scaling included. */
    Rope rope(Rotary rotary);

    /** Refuses a flag that is there and says something else than what is supported. */
    default void only(Key flag, boolean supported) {
        flag(flag).filter(said -> said != supported).ifPresent(said -> {
            throw new ModelLoadException(name(flag) + " is " + said + "; supported is " + supported);
        });
    }

    /** Refuses a text that is there and says something else than what is supported. */
    default void only(Key text, String supported) {
        text(text).filter(said -> !said.equals(supported)).ifPresent(said -> {
            throw new ModelLoadException(name(text) + " is \"" + said + "\"; supported is " + supported);
        });
    }

    /** {@link Key#ROPE_BASE} as it stands for all layers, where some rotate otherwise than others. */
    default double base(double unsaid) {
        return optionalReal(Key.ROPE_BASE).orElse(unsaid);
    }

    /** Heads of an attention, if they fit each other. */
    default Op.AttentionShape attention(int heads, int kvHeads, int headDim) {
        if (heads % kvHeads != 0) {
            throw new ModelLoadException(name(Key.HEADS) + " is " + heads + ", which " + furtherName(Key.KV_HEADS) + " " + kvHeads
                    + " does not divide");
        }
        if (headDim % 2 != 0) {
            throw new ModelLoadException(name(Key.HEAD_DIM) + " is " + headDim + "; it must be even, as rotary embeddings turn pairs");
        }
        Limits.check(name(Key.HEADS) + " times " + name(Key.HEAD_DIM), (long) heads * headDim, 1, Limits.WIDTH);
        return new Op.AttentionShape(heads, kvHeads, headDim);
    }

    /**
     * A text of which some values are known.
     *
     * @param supported those; the first is meant where nothing is said
     * @throws ModelLoadException if it is another
     */
    default String oneOf(Key key, String... supported) {
        return text(key).map(said -> Arrays.stream(supported).filter(said::equals).findFirst().orElseThrow(() -> new ModelLoadException(
                name(key) + " is \"" + said + "\"; supported " + (supported.length == 1 ? "is " : "are ") + String.join(", ", supported))))
                .orElse(supported[0]);
    }

    /**
     * Checks a whole number that may be missing, of which one value is known.
     *
     * @throws ModelLoadException if it is another
     */
    default void only(Key key, int supported) {
        optionalInteger(key).ifPresent(said -> {
            if (said != supported) {
                throw new ModelLoadException(name(key) + " is " + said + "; supported is " + supported);
            }
        });
    }

    /**
     * {@link Key#ACTIVATION}, or {@link Key#GGUF_ACTIVATION} of a family that knows several.
     *
     * @param supported those that the family knows; the first is meant where nothing is said
     */
    default Op.Activation activation(Op.Activation... supported) {
        if (supported.length == 1) {
            return activation(Key.ACTIVATION, supported);
        }
        var said = derivedText(Key.GGUF_ACTIVATION, () -> activation(Key.ACTIVATION, supported).names().getFirst(), supported[0].names().getFirst());
        return activation(Key.GGUF_ACTIVATION, said, supported);
    }

    /** As {@link #activation(Op.Activation...)}, under another name; GGUF files do not say it. */
    default Op.Activation activation(Key key, Op.Activation... supported) {
        return activation(key, text(key).orElse(supported[0].names().getFirst()), supported);
    }

    private Op.Activation activation(Key key, String said, Op.Activation... supported) {
        return Arrays.stream(supported).filter(a -> a.names().contains(said)).findFirst()
                .orElseThrow(() -> new ModelLoadException(name(key) + " is \"" + said + "\"; supported "
                        + (supported.length == 1 ? "is " : "are ")
                        + Arrays.stream(supported).map(a -> a.names().getFirst()).collect(Collectors.joining(", "))));
    }
}
