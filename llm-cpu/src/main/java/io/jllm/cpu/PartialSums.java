package io.jllm.cpu;

/** Memory for the sums of chunks that different threads compute. One for all layers; grows to what a step needs and stays. */
final class PartialSums {
    private float[] sums = {};
    private int chunks;
    private int size;

    /** Makes room for so many chunks of so many units, each of so many floats. */
    void reserve(int units, int chunksOfUnit, int floats) {
        chunks = chunksOfUnit;
        size = floats;
        int needed = units * chunks * size;
        if (sums.length < needed) {
            sums = new float[needed + needed / 2];
        }
    }

    float[] sums() {
        return sums;
    }

    /** Where the sums of a unit's chunk start, chunks counted from its first. */
    int at(int unit, int chunk) {
        return (unit * chunks + chunk) * size;
    }

    /** Bytes it holds. */
    long bytes() {
        return (long) sums.length * Float.BYTES;
    }
}
