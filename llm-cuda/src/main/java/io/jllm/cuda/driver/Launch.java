package io.jllm.cuda.driver;

import io.jllm.cuda.ffi.CudaDriver;
import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A kernel with its arguments and block size, ready to be launched again and again: the memory that the driver reads is laid out once. Arguments
 * are given in the order of the kernel's parameters; some may be changed between launches.
 */
public final class Launch {
    // CUlaunchConfig of cuda.h: seven unsigned ints, the stream, the attributes, how many there are.
    private static final MemoryLayout CONFIG = MemoryLayout.structLayout(MemoryLayout.sequenceLayout(7, ValueLayout.JAVA_INT), ValueLayout.JAVA_INT,
            ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT);
    private static final long BLOCK_AT = 12;
    private static final long SHARED_AT = 24;
    private static final long STREAM_AT = 32;
    private static final long ATTRIBUTES_AT = 40;
    private static final long COUNT_AT = 48;
    // CUlaunchAttribute: the id, padding, 64 bytes of a value.
    private static final long ATTRIBUTE_BYTES = 72;
    private static final long ATTRIBUTE_VALUE_AT = 8;

    /** When its blocks start. */
    public enum Start {
        /** When what was queued before has ended. */
        AFTER,
        /** Before that: the kernel waits by itself (programmatic dependent launch). */
        OVERLAPPING,
        /**
         * When what was queued before has ended, all at once: they wait for each other (cooperative launch), so the device must have room for all.
         */
        TOGETHER
    }

    private final Kernel kernel;
    private final int block;
    private final MemorySegment config;
    private final MemorySegment values;
    private final MemorySegment pointers;
    private final int count;
    private int filled;

    /**
     * A launch without its arguments.
     *
     * @param arena owns the memory that the driver reads
     * @param block threads a block
     * @param sharedBytes dynamic shared memory a block; what is above the usual limit was allowed to the kernel before
     * @param start when its blocks start
     * @param parameters how many parameters the kernel has
     */
    public Launch(Arena arena, Kernel kernel, int block, int sharedBytes, Start start, int parameters) {
        this.kernel = kernel;
        this.block = block;
        count = parameters;
        config = arena.allocate(CONFIG);
        config.set(ValueLayout.JAVA_INT, BLOCK_AT, block);
        config.set(ValueLayout.JAVA_INT, BLOCK_AT + 4, 1);
        config.set(ValueLayout.JAVA_INT, BLOCK_AT + 8, 1);
        config.set(ValueLayout.JAVA_INT, SHARED_AT, sharedBytes);
        if (start != Start.AFTER) {
            MemorySegment attribute = arena.allocate(ATTRIBUTE_BYTES, 8);
            attribute.set(ValueLayout.JAVA_INT, 0, start == Start.TOGETHER ? CudaDriver.CU_LAUNCH_ATTRIBUTE_COOPERATIVE()
                    : CudaDriver.CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION());
            attribute.set(ValueLayout.JAVA_INT, ATTRIBUTE_VALUE_AT, 1);
            config.set(ValueLayout.ADDRESS, ATTRIBUTES_AT, attribute);
            config.set(ValueLayout.JAVA_INT, COUNT_AT, 1);
        }
        values = arena.allocate(ValueLayout.JAVA_LONG, parameters);
        pointers = arena.allocate(ValueLayout.ADDRESS, parameters);
        for (int i = 0; i < parameters; i++) {
            pointers.setAtIndex(ValueLayout.ADDRESS, i, values.asSlice(8L * i));
        }
    }

    /** The next argument: a device address, or 0. */
    public Launch pointer(long address) {
        return wide(address);
    }

    /** The next argument: 64 bits. */
    public Launch wide(long value) {
        values.setAtIndex(ValueLayout.JAVA_LONG, filled++, value);
        return this;
    }

    /** The next argument: 32 bits. */
    public Launch integer(int value) {
        values.set(ValueLayout.JAVA_INT, 8L * filled++, value);
        return this;
    }

    /** The next argument: a float. */
    public Launch real(float value) {
        values.set(ValueLayout.JAVA_FLOAT, 8L * filled++, value);
        return this;
    }

    /** Changes an argument of 32 bits. */
    public void change(int index, int value) {
        values.set(ValueLayout.JAVA_INT, 8L * index, value);
    }

    /** Changes an argument of 64 bits. */
    public void changeWide(int index, long value) {
        values.set(ValueLayout.JAVA_LONG, 8L * index, value);
    }

    /** Queues the kernel with a grid of that size. */
    public void run(Stream stream, int x, int y, int z) {
        if (filled != count) {
            throw new IllegalStateException(kernel.name() + " was given " + filled + " arguments of " + count);
        }
        config.set(ValueLayout.JAVA_INT, 0, x);
        config.set(ValueLayout.JAVA_INT, 4, y);
        config.set(ValueLayout.JAVA_INT, 8, z);
        config.set(ValueLayout.ADDRESS, STREAM_AT, stream.handle());
        Calls.check(CudaDriver.cuLaunchKernelEx(config, kernel.handle(), pointers, MemorySegment.NULL), "cuLaunchKernelEx",
                () -> kernel.name() + ", grid " + x + " x " + y + " x " + z + ", block " + block);
    }

    @Override
    public String toString() {
        return kernel.name();
    }
}
