package io.jllm.cpu.op;

/** Memory for the sums of chunks that different threads compute. One for all layers; grows to what a step needs and stays. */
sealed interface ChunkSums permits PartialSums, NativeSums {
    /** Makes room for so many chunks of so many units, each of so many floats. */
    void reserve(int units, int chunksOfUnit, int floats);

    /** Bytes it holds. */
    long bytes();
}
