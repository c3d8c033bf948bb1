package io.jllm.cpu.kernels;

import io.jllm.cpu.layout.WeightFormat;
import io.jllm.cpu.layout.attention.RopeShape;
import io.jllm.cpu.os.LargeMemory;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * What a model is computed with: one contract for every tier (plain Java, the Vector API, machine code). A tier hands on to the next slower one
 * what it cannot do, so whoever asks never asks which tier it is. Thread-safe, and so is all that it gives, but for what is bound to the
 * memory of a step: each thread brings its own {@link Workspace}.
 *
 * <p>Everything is asked for when a program is compiled. What is given is bound to one kind of work, and is called in the loops of a step
 * without a further choice.
 */
public interface CpuKernels {
    /** As a user would name them. */
    String name();

    /** The tier and those behind it, for people: what each is used for, and the bits of its vectors. */
    String describe();

    /** Products of weights as the file has them, of any format that can be decoded. */
    StoredProducts stored();

    /**
     * Products of weights of a format that are rearranged when a model is loaded; empty if no tier rearranges them. The first time that a
     * format is asked for, code may be written and tested, which takes some milliseconds.
     */
    Optional<PackedProducts> packed(WeightFormat format);

    /** What makes floats of weights of a format that are rearranged. Some milliseconds the first time, as above. */
    Decoder decoder(WeightFormat format);

    /** What is done with rows of floats. */
    RowKernels rows();

    /** Products by matrices of low rank. */
    ThinProducts thin();

    /** Rotation of the heads of a layer, and the way of its keys and values to the cache. */
    Rotation rope(RopeSite site);

    /** Rotation of heads alone. */
    Rotation.Heads rotation(RopeShape shape, Angles angles);

    /** Attention of a layer. */
    Attention attention(AttentionSite site);

    /** Where weights, keys and values go. */
    LargeMemory memory();

    /** Makes floats of rearranged weights: the same ones, to the last bit, in every tier. Thread-safe. */
    @FunctionalInterface
    interface Decoder {
        /**
         * Decodes a group of 16 rows.
         *
         * @param to receives them from {@code at} on, as {@link WeightFormat#F32} has them: for each column 16 floats
         */
        void decode(PackedMatrix w, int group, MemorySegment to, long at, Workspace ws);
    }
}
