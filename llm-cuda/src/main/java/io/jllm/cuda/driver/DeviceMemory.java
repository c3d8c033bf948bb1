package io.jllm.cuda.driver;

import io.jllm.cuda.ffi.CudaDriver;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** A piece of device memory, its start a multiple of 256 bytes. */
public final class DeviceMemory implements AutoCloseable {
    private final Context context;
    private final long address;
    private final long bytes;
    private boolean closed;

    private DeviceMemory(Context context, long address, long bytes) {
        this.context = context;
        this.address = address;
        this.bytes = bytes;
        context.count(bytes);
    }

    /**
     * Allocates; what stands there is not defined.
     *
     * @param what what it is for, for the message
     * @throws OutOfDeviceMemoryException if there is no room
     */
    public static DeviceMemory allocate(Context context, long bytes, String what) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(ValueLayout.JAVA_LONG);
            long size = Math.max(bytes, 1);
            Calls.check(CudaDriver.cuMemAlloc_v2(out, size), "cuMemAlloc", () -> size + " bytes for " + what);
            return new DeviceMemory(context, out.get(ValueLayout.JAVA_LONG, 0), size);
        }
    }

    /** Where it starts, on the device. */
    public long address() {
        return address;
    }

    /** How long it is. */
    public long bytes() {
        return bytes;
    }

    /** Sets every byte, in the order of the stream. */
    public void fill(Stream stream, byte value) {
        Calls.check(CudaDriver.cuMemsetD8Async(address, value, bytes, stream.handle()), "cuMemsetD8Async", () -> bytes + " bytes");
    }

    /** Copies from any host memory, and waits for it. */
    public void write(MemorySegment from, long at) {
        check(at, from.byteSize());
        Calls.check(CudaDriver.cuMemcpyHtoD_v2(address + at, from, from.byteSize()), "cuMemcpyHtoD", () -> from.byteSize() + " bytes");
    }

    /** Copies to any host memory, and waits for it. Work of non-blocking streams must have been waited for. */
    public void read(long at, MemorySegment to) {
        check(at, to.byteSize());
        Calls.check(CudaDriver.cuMemcpyDtoH_v2(to, address + at, to.byteSize()), "cuMemcpyDtoH", () -> to.byteSize() + " bytes");
    }

    private void check(long at, long size) {
        if (at < 0 || size > bytes - at) {
            throw new IndexOutOfBoundsException(size + " bytes at " + at + " of " + bytes);
        }
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            context.count(-bytes);
            Calls.check(CudaDriver.cuMemFree_v2(address), "cuMemFree", () -> bytes + " bytes");
        }
    }
}
