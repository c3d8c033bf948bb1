package io.jllm.cuda.driver;

import io.jllm.cuda.ffi.CudaDriver;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.function.Supplier;

/** Turns results of driver calls into exceptions. */
final class Calls {
    private Calls() {
    }

    /** Nothing, if the call succeeded. */
    static void check(int result, String call) {
        if (result != CudaDriver.CUDA_SUCCESS()) {
            throw failure(result, call, "");
        }
    }

    /** Nothing, if the call succeeded; the details are asked for only if not. */
    static void check(int result, String call, Supplier<String> details) {
        if (result != CudaDriver.CUDA_SUCCESS()) {
            throw failure(result, call, details.get());
        }
    }

    /** What a failed call is thrown as. */
    static CudaException failure(int result, String call, String details) {
        String message = call + (details.isEmpty() ? "" : " (" + details + ")") + " failed: " + name(result);
        return result == CudaDriver.CUDA_ERROR_OUT_OF_MEMORY() ? new OutOfDeviceMemoryException(message, result) : new CudaException(message, result);
    }

    /** The driver's name and description of an error. */
    static String name(int result) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment name = arena.allocate(ValueLayout.ADDRESS);
            MemorySegment text = arena.allocate(ValueLayout.ADDRESS);
            if (CudaDriver.cuGetErrorName(result, name) != 0 || CudaDriver.cuGetErrorString(result, text) != 0) {
                return "error " + result;
            }
            return string(name) + " (" + result + "): " + string(text);
        }
    }

    private static String string(MemorySegment pointer) {
        return pointer.get(CudaDriver.C_POINTER, 0).getString(0);
    }
}
