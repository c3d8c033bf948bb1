package io.jllm.cuda.driver;

import io.jllm.cuda.ffi.CudaDriver;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Host memory that stays where it is: the device copies from it at full speed, and kernels may read and write it at the same address. */
public final class PinnedMemory implements AutoCloseable {
    private final MemorySegment memory;
    private boolean closed;

    private PinnedMemory(MemorySegment memory) {
        this.memory = memory;
    }

    /**
     * Allocates.
     *
     * @throws CudaException if the host has no room, or its limit of locked memory is reached
     */
    public static PinnedMemory allocate(long bytes, String what) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
            long size = Math.max(bytes, 1);
            Calls.check(CudaDriver.cuMemHostAlloc(out, size, CudaDriver.CU_MEMHOSTALLOC_PORTABLE() | CudaDriver.CU_MEMHOSTALLOC_DEVICEMAP()),
                    "cuMemHostAlloc", () -> size + " bytes of host memory for " + what);
            return new PinnedMemory(out.get(ValueLayout.ADDRESS, 0).reinterpret(size));
        }
    }

    /** The memory, as the host sees it. Not to be touched after {@link #close}. */
    public MemorySegment memory() {
        return memory;
    }

    /** Where it starts, as the device sees it. */
    public long address() {
        return memory.address();
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            Calls.check(CudaDriver.cuMemFreeHost(memory), "cuMemFreeHost");
        }
    }
}
