package io.jllm.cuda.driver;

import io.jllm.cuda.ffi.CudaDriver;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

/** Kernels loaded from a cubin, or from PTX that the driver compiles. */
public final class KernelModule implements AutoCloseable {
    private static final int LOG_BYTES = 8192;

    private final MemorySegment handle;
    private final String name;
    private boolean closed;

    private KernelModule(MemorySegment handle, String name) {
        this.handle = handle;
        this.name = name;
    }

    /**
     * Loads.
     *
     * @param image a cubin, or text of PTX
     * @param name for messages
     */
    public static KernelModule load(byte[] image, String name) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(image.length + 1L, 16); // PTX ends in a zero
            MemorySegment.copy(image, 0, memory, ValueLayout.JAVA_BYTE, 0, image.length);
            MemorySegment log = arena.allocate(LOG_BYTES);
            MemorySegment options = arena.allocateFrom(ValueLayout.JAVA_INT, CudaDriver.CU_JIT_ERROR_LOG_BUFFER(),
                    CudaDriver.CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES());
            MemorySegment values = arena.allocateFrom(ValueLayout.JAVA_LONG, log.address(), LOG_BYTES);
            MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
            Calls.check(CudaDriver.cuModuleLoadDataEx(out, memory, 2, options, values), "cuModuleLoadDataEx",
                    () -> "kernels " + name + (log.getString(0).isBlank() ? "" : ": " + log.getString(0).strip()));
            return new KernelModule(out.get(ValueLayout.ADDRESS, 0), name);
        }
    }

    /** A kernel by name, if there is one. */
    public Optional<Kernel> kernel(String kernel) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
            int result = CudaDriver.cuModuleGetFunction(out, handle, arena.allocateFrom(kernel));
            if (result == CudaDriver.CUDA_ERROR_NOT_FOUND()) {
                return Optional.empty();
            }
            Calls.check(result, "cuModuleGetFunction", () -> kernel + " of " + name);
            MemorySegment function = out.get(ValueLayout.ADDRESS, 0);
            return Optional.of(new Kernel(kernel, function, ParameterInfo.of(function, kernel)));
        }
    }

    /** The whole numbers of a constant by name, if there is one. */
    public Optional<int[]> constants(String constant) {
        return read(constant).map(bytes -> {
            var numbers = new int[bytes.length / Integer.BYTES];
            MemorySegment.copy(MemorySegment.ofArray(bytes), ValueLayout.JAVA_INT_UNALIGNED, 0, numbers, 0, numbers.length);
            return numbers;
        });
    }

    /** The text of a constant by name, up to its zero, if there is one. */
    public Optional<String> text(String constant) {
        return read(constant).map(bytes -> MemorySegment.ofArray(bytes).getString(0));
    }

    private Optional<byte[]> read(String constant) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = arena.allocate(ValueLayout.JAVA_LONG);
            MemorySegment bytes = arena.allocate(ValueLayout.JAVA_LONG);
            int result = CudaDriver.cuModuleGetGlobal_v2(address, bytes, handle, arena.allocateFrom(constant));
            if (result == CudaDriver.CUDA_ERROR_NOT_FOUND()) {
                return Optional.empty();
            }
            Calls.check(result, "cuModuleGetGlobal", () -> constant + " of " + name);
            MemorySegment values = arena.allocate(bytes.get(ValueLayout.JAVA_LONG, 0));
            Calls.check(CudaDriver.cuMemcpyDtoH_v2(values, address.get(ValueLayout.JAVA_LONG, 0), values.byteSize()), "cuMemcpyDtoH", () -> constant);
            return Optional.of(values.toArray(ValueLayout.JAVA_BYTE));
        }
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            Calls.check(CudaDriver.cuModuleUnload(handle), "cuModuleUnload", () -> name);
        }
    }
}
