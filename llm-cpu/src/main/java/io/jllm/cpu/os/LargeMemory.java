package io.jllm.cpu.os;

import io.jllm.cpu.layout.WeightFormat;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * Where rearranged weights, keys and values lie: in pages of 2 MiB where the system has them and we may ask, in plain memory elsewhere.
 * Thread-safe.
 */
public final class LargeMemory {
    private final Optional<SystemCalls> system;

    public LargeMemory(Optional<SystemCalls> system) {
        this.system = system;
    }

    /** What there is where the application lets this module call native code; asks for nothing that the JVM would warn of. */
    public static LargeMemory allowed() {
        boolean may = Processor.onLinux() && LargeMemory.class.getModule().isNativeAccessEnabled();
        return new LargeMemory(may ? Optional.of(new SystemCalls()) : Optional.empty());
    }

    /**
     * Zeroed memory, aligned to cache lines; huge pages take space when first written. What is smaller than one is plain memory. The
     * arena frees it.
     *
     * @throws OutOfMemoryError if there is no room for it
     */
    public MemorySegment allocate(Arena arena, long bytes) {
        return system.filter(_ -> bytes >= SystemCalls.HUGE).map(s -> s.hugePages(arena, bytes)).orElseGet(() -> arena.allocate(bytes,
                WeightFormat.VECTOR));
    }

    /**
     * Lets go of the pages of a mapped file, which stay valid; does nothing to other memory. Where it cannot be asked, the system takes
     * them back by itself when memory is short.
     */
    public void release(MemorySegment mapped) {
        system.ifPresent(s -> s.release(mapped));
    }
}
