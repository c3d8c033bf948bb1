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
    /** What a block may have without asking. */
    private static final int USUAL_SHARED_BYTES = 48 << 10;

    /** Lets its blocks have that many bytes of dynamic shared memory. */
    public void allowSharedMemory(int bytes) {
        if (bytes > USUAL_SHARED_BYTES) {
            Calls.check(CudaDriver.cuFuncSetAttribute(handle, CudaDriver.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES(), bytes), "cuFuncSetAttribute",
                    () -> name + ", " + bytes + " bytes of shared memory");
        }
    }
}
