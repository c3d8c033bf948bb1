package io.jllm.cuda.driver;

import io.jllm.cuda.ffi.CudaDriver;
import java.lang.foreign.MemorySegment;

/**
 * A kernel of a loaded module.
 *
 * @param name its name
 * @param handle the driver's handle; valid while the module is loaded
 */
public record Kernel(String name, MemorySegment handle) {
    /** CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT of cuda.h, in percent. */
    private static final int SHARED_MEMORY_CARVEOUT = 9;
    private static final int WHOLE = 100;

    /**
     * Asks for as much shared memory a multiprocessor as there is, at the cost of its L1 cache. Neighbours that ask for different parts cannot run on a
     * multiprocessor at the same time.
     */
    public void preferSharedMemory() {
        Calls.check(CudaDriver.cuFuncSetAttribute(handle, SHARED_MEMORY_CARVEOUT, WHOLE), "cuFuncSetAttribute", () -> name + ", shared memory carve-out");
    }

    /** Lets its blocks have that many bytes of dynamic shared memory, and no more. */
    public void allowSharedMemory(int bytes) {
        Calls.check(CudaDriver.cuFuncSetAttribute(handle, CudaDriver.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES(), bytes), "cuFuncSetAttribute",
                () -> name + ", " + bytes + " bytes of shared memory");
    }
}
