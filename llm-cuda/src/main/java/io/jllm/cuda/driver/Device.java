package io.jllm.cuda.driver;

import io.jllm.cuda.ffi.CudaDriver;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A device.
 *
 * @param ordinal its index among the visible ones
 * @param handle the driver's handle
 * @param name as its maker calls it
 * @param capability compute capability, 10 times the major and once the minor number: 90 is 9.0
 * @param multiprocessors how many it has
 * @param memory bytes of its memory
 * @param sharedMemory bytes of shared memory that a block can have
 * @param growsMemory whether memory can be mapped into an address range piece by piece
 */
public record Device(int ordinal, int handle, String name, int capability, int multiprocessors, long memory, int sharedMemory, boolean growsMemory) {
    private static final int NAME_BYTES = 256;

    /**
     * Looks at a device. The driver was found.
     *
     * @throws CudaException if there is none of that index
     */
    public static Device of(int ordinal) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(ValueLayout.JAVA_LONG);
            Calls.check(CudaDriver.cuDeviceGet(out, ordinal), "cuDeviceGet", () -> "device " + ordinal);
            int handle = out.get(ValueLayout.JAVA_INT, 0);
            MemorySegment name = arena.allocate(NAME_BYTES);
            Calls.check(CudaDriver.cuDeviceGetName(name, NAME_BYTES, handle), "cuDeviceGetName");
            Calls.check(CudaDriver.cuDeviceTotalMem_v2(out, handle), "cuDeviceTotalMem");
            long memory = out.get(ValueLayout.JAVA_LONG, 0);
            int major = attribute(CudaDriver.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR(), handle, out);
            int minor = attribute(CudaDriver.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR(), handle, out);
            return new Device(ordinal, handle, name.getString(0), 10 * major + minor,
                    attribute(CudaDriver.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT(), handle, out), memory,
                    attribute(CudaDriver.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN(), handle, out),
                    attribute(CudaDriver.CU_DEVICE_ATTRIBUTE_VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED(), handle, out) != 0);
        }
    }

    /** Bytes a second at which its memory can be read, of the clock and the width that it states. */
    public double memoryBandwidth() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(ValueLayout.JAVA_LONG);
            double hertz = 1e3 * attribute(CudaDriver.CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE(), handle, out);
            return 2 * hertz * attribute(CudaDriver.CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH(), handle, out) / Byte.SIZE;
        }
    }

    private static int attribute(int attribute, int handle, MemorySegment out) {
        Calls.check(CudaDriver.cuDeviceGetAttribute(out, attribute, handle), "cuDeviceGetAttribute", () -> "attribute " + attribute);
        return out.get(ValueLayout.JAVA_INT, 0);
    }
}
