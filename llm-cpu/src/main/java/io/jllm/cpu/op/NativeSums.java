package io.jllm.cpu.op;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Outside the heap, for machine code. */
final class NativeSums implements ChunkSums {
    private static final int ALIGNMENT = 64;

    private MemorySegment sums = MemorySegment.NULL;
    private int chunks;
    private long size;

    @Override
    public void reserve(int units, int chunksOfUnit, int floats) {
        chunks = chunksOfUnit;
        size = (long) floats * Float.BYTES;
        long needed = units * chunks * size;
        if (sums.byteSize() < needed) {
            sums = Arena.ofAuto().allocate(needed + needed / 2, ALIGNMENT);
        }
    }

    /** Address of the sums of a unit's chunk, chunks counted from its first. */
    long address(int unit, int chunk) {
        return sums.address() + ((long) unit * chunks + chunk) * size;
    }

    @Override
    public long bytes() {
        return sums.byteSize();
    }
}
