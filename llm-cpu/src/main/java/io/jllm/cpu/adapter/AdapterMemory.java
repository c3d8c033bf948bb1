package io.jllm.cpu.adapter;

import io.jllm.cpu.os.LargeMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;

/**
 * Memory of an adapter: matrices one behind the other, in huge pages where there are some. Those of 16 adapters are read once a step, from
 * memory, and page by page that is half as fast. For one thread.
 */
final class AdapterMemory implements SegmentAllocator, AutoCloseable {
    /** What is taken at once, but for adapters that are smaller. */
    private static final long CHUNK = 8 << 20;

    private final Arena arena = Arena.ofShared();
    private final LargeMemory memory;
    private long left;
    private MemorySegment chunk = MemorySegment.NULL;
    private long used;

    /** @param bytes about how many will be asked for */
    AdapterMemory(LargeMemory memory, long bytes) {
        this.memory = memory;
        left = bytes;
    }

    @Override
    public MemorySegment allocate(long bytes, long alignment) {
        used = Math.ceilDiv(used, alignment) * alignment;
        if (chunk.byteSize() - used < bytes) {
            chunk = memory.allocate(arena, Math.max(bytes, Math.min(CHUNK, left)));
            used = 0;
        }
        MemorySegment given = chunk.asSlice(used, bytes);
        used += bytes;
        left -= bytes;
        return given;
    }

    @Override
    public void close() {
        arena.close();
    }
}
