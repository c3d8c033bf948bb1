package io.jllm.cuda.driver;

import io.jllm.cuda.ffi.CudaDriver;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.atomic.AtomicLong;

/** The primary context of a device, held while this is open. A thread calls {@link #use} before it works with anything that belongs to it. */
public final class Context implements AutoCloseable {
    private final Device device;
    private final MemorySegment handle;
    private final AtomicLong allocated = new AtomicLong();
    private boolean closed;

    private Context(Device device, MemorySegment handle) {
        this.device = device;
        this.handle = handle;
    }

    /**
     * Starts a device, or joins what others of this process have started, and uses it on this thread.
     *
     * @throws CudaException if it does not start, {@link OutOfDeviceMemoryException} if its memory is taken
     */
    public static Context open(Device device) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
            Calls.check(CudaDriver.cuDevicePrimaryCtxRetain(out, device.handle()), "cuDevicePrimaryCtxRetain", device::name);
            var context = new Context(device, out.get(ValueLayout.ADDRESS, 0));
            try {
                context.use();
            } catch (CudaException e) {
                context.close();
                throw e;
            }
            return context;
        }
    }

    /** The device. */
    public Device device() {
        return device;
    }

    /** Makes it this thread's. */
    public void use() {
        Calls.check(CudaDriver.cuCtxSetCurrent(handle), "cuCtxSetCurrent", device::name);
    }

    /** Waits for all work of the device; an error of a kernel that ran before comes out here. */
    public void synchronize() {
        Calls.check(CudaDriver.cuCtxSynchronize(), "cuCtxSynchronize", device::name);
    }

    /** Bytes of device memory that are free, whoever has taken the rest. */
    public long freeMemory() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment free = arena.allocate(ValueLayout.JAVA_LONG);
            MemorySegment total = arena.allocate(ValueLayout.JAVA_LONG);
            Calls.check(CudaDriver.cuMemGetInfo_v2(free, total), "cuMemGetInfo", device::name);
            return free.get(ValueLayout.JAVA_LONG, 0);
        }
    }

    /** Bytes of device memory allocated through this context and not given back. */
    public long allocated() {
        return allocated.get();
    }

    void count(long bytes) {
        allocated.addAndGet(bytes);
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            Calls.check(CudaDriver.cuDevicePrimaryCtxRelease_v2(device.handle()), "cuDevicePrimaryCtxRelease", device::name);
        }
    }
}
