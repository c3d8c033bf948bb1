package io.jllm.cpu.kernels;

import io.jllm.spi.StepBatch;

/**
 * Computes sums over chunks of positions for the rows of a unit of {@link AttentionTiles}, and results from them: the scores of a chunk,
 * their exponentials, the weighted sum of its values; then the sums of chunks are merged, in order (the online softmax of Milakov and
 * Gimelshein, 2018; FlashAttention, Dao and others, 2022). So neither pages nor tiles nor threads change a bit of the result.
 */
public interface Attention {
    /** Floats of the sums of a row. */
    int rowFloats();

    /** Makes room for the sums that {@link #part} leaves: of so many chunks of so many units, each of so many rows. */
    void reserve(int units, int chunks, int rows);

    /** Loads the queries of a unit, for what the thread computes next. */
    void load(StepBatch b, int tile, int head, Workspace ws);

    /** Computes the sums of a chunk, the first that this thread takes of the unit. */
    void first(StepBatch b, int tile, int head, int chunk, Workspace ws);

    /** Adds those of the next chunk. */
    void next(StepBatch b, int tile, int head, int chunk, Workspace ws);

    /** Stores what comes of these sums. */
    void store(int tile, int head, Workspace ws);

    /** Computes the sums of a chunk by itself. {@code number} counts the chunks of the unit. */
    void part(StepBatch b, int tile, int head, int chunk, int unit, int number, Workspace ws);

    /** Adds up those of so many chunks of a unit, and stores what comes of them. */
    void merge(int tile, int head, int unit, int chunks, Workspace ws);
}
