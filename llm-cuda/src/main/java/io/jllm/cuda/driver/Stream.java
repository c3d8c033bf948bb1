package io.jllm.cuda.driver;

import io.jllm.cuda.ffi.CudaDriver;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

/** A queue of work, done in order. */
public final class Stream implements AutoCloseable {
    private final MemorySegment handle;
    private Optional<LaunchTimes> times = Optional.empty();
    private boolean closed;

    private Stream(MemorySegment handle) {
        this.handle = handle;
    }

    /** A stream of the context that this thread uses. */
    public static Stream create() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
            Calls.check(CudaDriver.cuStreamCreate(out, CudaDriver.CU_STREAM_NON_BLOCKING()), "cuStreamCreate");
            return new Stream(out.get(ValueLayout.ADDRESS, 0));
        }
    }

    MemorySegment handle() {
        return handle;
    }

    /** Times each launch from here on, until the result is closed. */
    public LaunchTimes timeLaunches() {
        var all = new LaunchTimes(this, () -> times = Optional.empty());
        times = Optional.of(all);
        return all;
    }

    /** Queues a launch, which is timed if launches are. */
    void timed(String kernel, long weightBytes, Runnable launch) {
        if (times.isEmpty()) {
            launch.run();
        } else {
            times.get().time(kernel, weightBytes, launch);
        }
    }

    /** Copies pinned memory to the device, after what was queued before. The memory must stay as it is until then. */
    public void copyToDevice(long address, MemorySegment from) {
        Calls.check(CudaDriver.cuMemcpyHtoDAsync_v2(address, from, from.byteSize(), handle), "cuMemcpyHtoDAsync", () -> from.byteSize() + " bytes");
    }

    /** Sets bytes of device memory, after what was queued before. */
    public void fill(long address, long bytes, byte value) {
        Calls.check(CudaDriver.cuMemsetD8Async(address, value, bytes, handle), "cuMemsetD8Async", () -> bytes + " bytes");
    }

    /** Waits until all is done; an error of a kernel comes out here. */
    public void synchronize() {
        Calls.check(CudaDriver.cuStreamSynchronize(handle), "cuStreamSynchronize", () -> "a kernel that was queued before may be the cause");
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            Calls.check(CudaDriver.cuStreamDestroy_v2(handle), "cuStreamDestroy");
        }
    }
}
