package io.jllm.cpu.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Memory for the sums of chunks that different threads compute: an array for loops in Java, or memory outside the heap for machine code,
 * whichever is asked for. One for all layers; grows to what a step needs and stays.
 */
public final class ChunkSums {
    private static final int ALIGNMENT = 64;

    private float[] floats = {};
    private MemorySegment memory = MemorySegment.NULL;
    private int chunks;
    private int size;

    /** Makes room on the heap for so many chunks of so many units, each of so many floats. */
    public void reserveFloats(int units, int chunksOfUnit, int floatsOfChunk) {
        chunks = chunksOfUnit;
        size = floatsOfChunk;
        int needed = units * chunks * size;
        if (floats.length < needed) {
            floats = new float[needed + needed / 2];
        }
    }

    /** Makes room outside the heap. */
    public void reserveMemory(int units, int chunksOfUnit, int floatsOfChunk) {
        chunks = chunksOfUnit;
        size = floatsOfChunk;
        long needed = (long) units * chunks * size * Float.BYTES;
        if (memory.byteSize() < needed) {
            memory = Arena.ofAuto().allocate(needed + needed / 2, ALIGNMENT);
        }
    }

    /** The array, not a copy. */
    public float[] floats() {
        return floats;
    }

    /** Where in it the sums of a unit's chunk start, chunks counted from its first. */
    public int at(int unit, int chunk) {
        return (unit * chunks + chunk) * size;
    }

    /** Address of the sums of a unit's chunk. */
    public long address(int unit, int chunk) {
        return memory.address() + ((long) unit * chunks + chunk) * size * Float.BYTES;
    }

    /** Bytes it holds. */
    public long bytes() {
        return (long) floats.length * Float.BYTES + memory.byteSize();
    }
}
