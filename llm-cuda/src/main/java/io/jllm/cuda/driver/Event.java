package io.jllm.cuda.driver;

import io.jllm.cuda.ffi.CudaDriver;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** A mark in a stream. */
public final class Event implements AutoCloseable {
    private final MemorySegment handle;
    private boolean closed;

    private Event(MemorySegment handle) {
        this.handle = handle;
    }

    /** A mark that can be waited for; one that was never recorded has been reached. */
    public static Event create() {
        return create(CudaDriver.CU_EVENT_DISABLE_TIMING());
    }

    /** A mark that knows the time. */
    public static Event timed() {
        return create(CudaDriver.CU_EVENT_DEFAULT());
    }

    private static Event create(int flags) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
            Calls.check(CudaDriver.cuEventCreate(out, flags), "cuEventCreate");
            return new Event(out.get(ValueLayout.ADDRESS, 0));
        }
    }

    /** Stands behind all that is in the stream now. */
    public void record(Stream stream) {
        Calls.check(CudaDriver.cuEventRecord(handle, stream.handle()), "cuEventRecord");
    }

    /** Waits until it is reached; an error of a kernel before it comes out here. */
    public void synchronize() {
        Calls.check(CudaDriver.cuEventSynchronize(handle), "cuEventSynchronize", () -> "a kernel that was queued before may be the cause");
    }

    /** Milliseconds from another mark to this one; both timed and reached. */
    public float millisecondsSince(Event start) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(ValueLayout.JAVA_FLOAT);
            Calls.check(CudaDriver.cuEventElapsedTime_v2(out, start.handle, handle), "cuEventElapsedTime");
            return out.get(ValueLayout.JAVA_FLOAT, 0);
        }
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            Calls.check(CudaDriver.cuEventDestroy_v2(handle), "cuEventDestroy");
        }
    }
}
