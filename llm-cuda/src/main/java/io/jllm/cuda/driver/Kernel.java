package io.jllm.cuda.driver;

import io.jllm.cuda.ffi.CudaDriver;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;

/**
 * A kernel of a loaded module.
 *
 * @param name its name
 * @param handle the driver's handle; valid while the module is loaded
 * @param parameters its parameters in order, as the image has them; empty where the driver cannot say (before CUDA 12.4)
 */
public record Kernel(String name, MemorySegment handle, Optional<List<Parameter>> parameters) {
    /**
     * Where a parameter stands among the bytes of all.
     *
     * @param offset in bytes
     * @param bytes of it
     */
    public record Parameter(long offset, long bytes) {
        @Override
        public String toString() {
            return bytes + " bytes at " + offset;
        }
    }

    /** Copies the list. */
    public Kernel {
        parameters = parameters.map(List::copyOf);
    }

    /** Lets its blocks have that many bytes of dynamic shared memory, and no more. */
    public void allowSharedMemory(int bytes) {
        Calls.check(CudaDriver.cuFuncSetAttribute(handle, CudaDriver.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES(), bytes), "cuFuncSetAttribute",
                () -> name + ", " + bytes + " bytes of shared memory");
    }
}
