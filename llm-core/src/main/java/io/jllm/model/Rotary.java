package io.jllm.model;

import java.util.Optional;
import java.util.OptionalDouble;

/**
 * What a family says of one of its rotary embeddings, for {@link Keys#rope} to read the rest: whole heads, turned by halves (NEOX), and
 * scaled as the files say, unless it says otherwise.
 *
 * @param headDim floats a head
 * @param context the context that the model was trained for, in positions; some scalings go by it
 * @param base the key of the base
 * @param unsaidBase the base if the files do not say it
 * @param dims GGUF's key of how many dimensions of a head are turned
 * @param checkpoint which dimensions Hugging Face files turn together
 * @param gguf which ones GGUF files do; where they differ, rows of q and k do too: {@link Architecture.Model#ggufOrder}
 * @param layers the kind of layers whose entry of {@code rope_parameters} counts; empty if all layers turn alike
 * @param unsaidPart what {@code partial_rotary_factor} is if nothing is said; empty if it may not leave dimensions of a head as they are
 * @param scaled whether scaling counts that is said for all layers, and GGUF's
 * @param attentionFactor multiplies cosine and sine
 * @param unsaidParameters the {@code rope_parameters}, as JSON, of a {@code config.json} that has none
 */
public record Rotary(int headDim, int context, Key base, double unsaidBase, Key dims, Rope.Layout checkpoint, Rope.Layout gguf,
                     Optional<String> layers, OptionalDouble unsaidPart, boolean scaled, float attentionFactor,
                     Optional<String> unsaidParameters) {
    /** The usual one, with a base of 10,000 if nothing is said. */
    public static Rotary of(int headDim, int context) {
        return new Rotary(headDim, context, Key.ROPE_BASE, 10_000, Key.ROPE_DIMS, Rope.Layout.NEOX, Rope.Layout.NEOX, Optional.empty(),
                OptionalDouble.empty(), true, 1, Optional.empty());
    }

    /** With another key for the base, and another base if nothing is said. */
    public Rotary base(Key key, double unsaid) {
        return new Rotary(headDim, context, key, unsaid, dims, checkpoint, gguf, layers, unsaidPart, scaled, attentionFactor, unsaidParameters);
    }

    /** With another of GGUF's keys for how many dimensions are turned. */
    public Rotary dims(Key key) {
        return new Rotary(headDim, context, base, unsaidBase, key, checkpoint, gguf, layers, unsaidPart, scaled, attentionFactor, unsaidParameters);
    }

    /** With other pairs in the two kinds of files. */
    public Rotary layouts(Rope.Layout inCheckpoint, Rope.Layout inGguf) {
        return new Rotary(headDim, context, base, unsaidBase, dims, inCheckpoint, inGguf, layers, unsaidPart, scaled, attentionFactor,
                unsaidParameters);
    }

    /** For one kind of layers, as {@code layer_types} calls it. */
    public Rotary ofLayers(String kind) {
        return new Rotary(headDim, context, base, unsaidBase, dims, checkpoint, gguf, Optional.of(kind), unsaidPart, scaled, attentionFactor,
                unsaidParameters);
    }

    /** Of a part of each head, if {@code config.json} says so. */
    public Rotary mayBePartial() {
        return mayBePartial(1);
    }

    /** Of a part of each head: of that part, if {@code config.json} says none. */
    public Rotary mayBePartial(double unsaid) {
        return new Rotary(headDim, context, base, unsaidBase, dims, checkpoint, gguf, layers, OptionalDouble.of(unsaid), scaled,
                attentionFactor, unsaidParameters);
    }

    /** Whatever scaling the files name; one that {@code rope_parameters} name for these layers is refused. */
    public Rotary unscaled() {
        return new Rotary(headDim, context, base, unsaidBase, dims, checkpoint, gguf, layers, unsaidPart, false, attentionFactor, unsaidParameters);
    }

    /** With a factor for cosine and sine. */
    public Rotary attentionFactor(float factor) {
        return new Rotary(headDim, context, base, unsaidBase, dims, checkpoint, gguf, layers, unsaidPart, scaled, factor, unsaidParameters);
    }

    /** With the {@code rope_parameters} of a {@code config.json} that has none, as JSON. */
    public Rotary unsaidParameters(String json) {
        return new Rotary(headDim, context, base, unsaidBase, dims, checkpoint, gguf, layers, unsaidPart, scaled, attentionFactor,
                Optional.of(json));
    }
}
