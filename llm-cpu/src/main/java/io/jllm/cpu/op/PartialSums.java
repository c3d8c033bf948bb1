package io.jllm.cpu.op;

/** On the heap. */
final class PartialSums implements ChunkSums {
    private float[] sums = {};
    private int chunks;
    private int size;

    @Override
    public void reserve(int units, int chunksOfUnit, int floats) {
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

    @Override
    public long bytes() {
        return (long) sums.length * Float.BYTES;
    }
}
