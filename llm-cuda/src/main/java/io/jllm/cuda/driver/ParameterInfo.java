package io.jllm.cuda.driver;

import io.jllm.cuda.ffi.CudaDriver;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Asks for the parameters of kernels: {@code cuFuncGetParamInfo} of {@code cuda.h}, CUDA 12.4. Bound by hand: drivers that are otherwise new enough
 * may lack it, which generated bindings do not foresee.
 */
final class ParameterInfo {
    private static final String FUNCTION = "cuFuncGetParamInfo";
    /** {@code CUresult cuFuncGetParamInfo(CUfunction func, size_t paramIndex, size_t *paramOffset, size_t *paramSize)}. */
    private static final Optional<MethodHandle> HANDLE = DriverLibrary.find(FUNCTION).map(f -> Linker.nativeLinker().downcallHandle(f,
            FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG, ValueLayout.ADDRESS, ValueLayout.ADDRESS)));

    private ParameterInfo() {
    }

    /** The parameters of a kernel; empty where the driver cannot say. */
    static Optional<List<Kernel.Parameter>> of(MemorySegment kernel, String name) {
        return HANDLE.map(h -> ask(h, kernel, name));
    }

    private static List<Kernel.Parameter> ask(MethodHandle handle, MemorySegment kernel, String name) {
        var found = new ArrayList<Kernel.Parameter>();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment offset = arena.allocate(ValueLayout.JAVA_LONG);
            MemorySegment bytes = arena.allocate(ValueLayout.JAVA_LONG);
            int result = call(handle, kernel, 0, offset, bytes);
            while (result == CudaDriver.CUDA_SUCCESS()) {
                found.add(new Kernel.Parameter(offset.get(ValueLayout.JAVA_LONG, 0), bytes.get(ValueLayout.JAVA_LONG, 0)));
                result = call(handle, kernel, found.size(), offset, bytes);
            }
            if (result != CudaDriver.CUDA_ERROR_INVALID_VALUE()) { // that is what it says behind the last one
                throw Calls.failure(result, FUNCTION, name);
            }
        }
        return found;
    }

    private static int call(MethodHandle handle, MemorySegment kernel, long index, MemorySegment offset, MemorySegment bytes) {
        try {
            return (int) handle.invokeExact(kernel, index, offset, bytes);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }
}
