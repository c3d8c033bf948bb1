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
    /** Lets its blocks have that many bytes of dynamic shared memory, and no more. */
    public void allowSharedMemory(int bytes) {
        Calls.check(CudaDriver.cuFuncSetAttribute(handle, CudaDriver.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES(), bytes), "cuFuncSetAttribute",
                () -> name + ", " + bytes + " bytes of shared memory");
    }
}
