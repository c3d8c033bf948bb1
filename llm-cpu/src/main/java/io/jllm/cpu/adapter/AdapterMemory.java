package io.jllm.cpu.adapter;

import io.jllm.cpu.os.LargeMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;

/**
 * Memory of an adapter, in huge pages where there are some: what 16 adapters have is read once a step, from memory, and from small pages that is
 * half as fast. First matrices of low rank have a stream of their own: those of one input are read one after the other, and so they lie, which
 * is what the processor expects. For one thread.
 */
final class AdapterMemory implements AutoCloseable {
    /** What is taken at once, but for adapters that are smaller. */
    private static final long CHUNK = 8 << 20;

    private final Arena arena = Arena.ofShared();
    private final Stream first;
    private final Stream rest;

    /** @param bytes about how many will be asked for */
    AdapterMemory(LargeMemory memory, long bytes) {
        long half = bytes / 2;
        first = new Stream(arena, memory, half);
        rest = new Stream(arena, memory, bytes - half);
    }

    /** For first matrices of low rank. */
    SegmentAllocator first() {
        return first;
    }

    /** For all else. */
    SegmentAllocator rest() {
        return rest;
    }

    @Override
    public void close() {
        arena.close();
    }

    /** One behind the other. */
    private static final class Stream implements SegmentAllocator {
        private final Arena arena;
        private final LargeMemory memory;
        private long left;
        private MemorySegment chunk = MemorySegment.NULL;
        private long used;

        Stream(Arena arena, LargeMemory memory, long left) {
            this.arena = arena;
            this.memory = memory;
            this.left = left;
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
    }
}
