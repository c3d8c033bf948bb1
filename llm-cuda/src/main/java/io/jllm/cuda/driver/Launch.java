package io.jllm.cuda.driver;

import io.jllm.cuda.ffi.CudaDriver;
import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * A kernel with its arguments and block size, ready to be launched again and again: the memory that the driver reads is laid out once. Arguments are
 * given by name in the order of the kernel's parameters, and compared with them: their number, and where each stands with how many bytes. Drivers
 * before CUDA 12.4 cannot say what a kernel's parameters are; there nothing is compared.
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
    private static final int MOST_ATTRIBUTES = 3;

    /** When its blocks start. */
    public enum Start {
        /** When what was queued before has ended. */
        AFTER,
        /** Before that: the kernel waits by itself (programmatic dependent launch). */
        OVERLAPPING,
        /**
         * When what was queued before has ended, all at once: they wait for each other (cooperative launch), so the device must have room for all.
         */
        TOGETHER,
        /** All at once like that, but before what was queued has ended: the kernel waits for that by itself. */
        TOGETHER_OVERLAPPING;

        private boolean together() {
            return this == TOGETHER || this == TOGETHER_OVERLAPPING;
        }

        private boolean overlapping() {
            return this == OVERLAPPING || this == TOGETHER_OVERLAPPING;
        }
    }

    /**
     * An argument of 32 bits that may change between launches.
     *
     * @param place of its value
     */
    public record IntArgument(MemorySegment place) {
        /** The value for the launches to come. */
        public void set(int value) {
            place.set(ValueLayout.JAVA_INT, 0, value);
        }
    }

    /**
     * A device address that may change between launches.
     *
     * @param place of its value
     */
    public record PointerArgument(MemorySegment place) {
        /** The address for the launches to come. */
        public void set(long address) {
            place.set(ValueLayout.JAVA_LONG, 0, address);
        }
    }

    /** An argument: its name, its kind as messages name it, its bytes; its value has its bytes in the lower ones, unless it stands elsewhere. */
    private record Argument(String name, String kind, int bytes, long value, Optional<MemorySegment> elsewhere) {
        int alignment() {
            return Math.min(bytes, TensorMap.ALIGNMENT);
        }
    }

    private final Kernel kernel;
    private final int block;
    private final MemorySegment config;
    private final List<Argument> arguments;
    private final MemorySegment values;
    private final MemorySegment pointers;
    private final long weightBytes;

    private Launch(Builder b) {
        kernel = b.kernel;
        block = b.block;
        weightBytes = b.weightBytes;
        arguments = List.copyOf(b.arguments);
        check();
        config = b.arena.allocate(CONFIG);
        config.set(ValueLayout.JAVA_INT, BLOCK_AT, block);
        config.set(ValueLayout.JAVA_INT, BLOCK_AT + 4, 1);
        config.set(ValueLayout.JAVA_INT, BLOCK_AT + 8, 1);
        config.set(ValueLayout.JAVA_INT, SHARED_AT, b.sharedBytes);
        attributes(b);
        values = b.arena.allocate(ValueLayout.JAVA_LONG, arguments.size());
        pointers = b.arena.allocate(ValueLayout.ADDRESS, arguments.size());
        for (int i = 0; i < arguments.size(); i++) {
            values.setAtIndex(ValueLayout.JAVA_LONG, i, arguments.get(i).value);
            pointers.setAtIndex(ValueLayout.ADDRESS, i, arguments.get(i).elsewhere.orElse(place(i)));
        }
    }

    private void attributes(Builder b) {
        MemorySegment attributes = b.arena.allocate(MOST_ATTRIBUTES * ATTRIBUTE_BYTES, 8);
        int count = 0;
        if (b.start.together()) {
            attribute(attributes, count++, CudaDriver.CU_LAUNCH_ATTRIBUTE_COOPERATIVE(), 1);
        }
        if (b.start.overlapping()) {
            attribute(attributes, count++, CudaDriver.CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION(), 1);
        }
        if (b.cluster > 1) {
            attribute(attributes, count++, CudaDriver.CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION(), b.cluster, 1, 1);
        }
        if (count > 0) {
            config.set(ValueLayout.ADDRESS, ATTRIBUTES_AT, attributes);
            config.set(ValueLayout.JAVA_INT, COUNT_AT, count);
        }
    }

    private static void attribute(MemorySegment attributes, int index, int id, int... value) {
        MemorySegment a = attributes.asSlice(index * ATTRIBUTE_BYTES, ATTRIBUTE_BYTES);
        a.set(ValueLayout.JAVA_INT, 0, id);
        for (int i = 0; i < value.length; i++) {
            a.set(ValueLayout.JAVA_INT, ATTRIBUTE_VALUE_AT + (long) i * Integer.BYTES, value[i]);
        }
    }

    private MemorySegment place(int index) {
        return values.asSlice((long) Long.BYTES * index, Math.min(Long.BYTES, arguments.get(index).bytes));
    }

    private void check() {
        if (kernel.parameters().isEmpty()) {
            return;
        }
        List<Kernel.Parameter> image = kernel.parameters().get();
        if (image.size() != arguments.size()) {
            throw mismatch("the launcher has " + arguments.size() + " arguments (" + arguments.stream().map(Argument::name)
                    .collect(Collectors.joining(", ")) + "), the image " + image.size() + " parameters");
        }
        // Maps stand at multiples of 64 in the memory of all parameters, which does not begin at one: then all stand so much further on.
        long start = !arguments.isEmpty() && arguments.getFirst().elsewhere.isPresent() ? image.getFirst().offset() : 0;
        long at = 0;
        for (int i = 0; i < arguments.size(); i++) {
            Argument a = arguments.get(i);
            at = Math.ceilDiv(at, a.alignment()) * a.alignment();
            var mine = new Kernel.Parameter(start + at, a.bytes);
            if (!mine.equals(image.get(i))) {
                throw mismatch("parameter " + i + " is " + a.name + ", " + a.kind + " of " + mine + ", in the launcher, and has " + image.get(i)
                        + " in the image");
            }
            at += a.bytes;
        }
    }

    private IllegalStateException mismatch(String what) {
        return new IllegalStateException("the kernel " + kernel.name() + " does not fit its launcher: " + what
                + "; the jar of llm-cuda was not built as a whole: build it anew, mvn clean package");
    }

    /** The argument of that name, which has 32 bits. */
    public IntArgument integer(String name) {
        return new IntArgument(place(indexOf(name, Integer.BYTES)));
    }

    /** The argument of that name, which is a device address. */
    public PointerArgument pointer(String name) {
        return new PointerArgument(place(indexOf(name, Long.BYTES)));
    }

    private int indexOf(String name, int bytes) {
        for (int i = 0; i < arguments.size(); i++) {
            if (arguments.get(i).name.equals(name) && arguments.get(i).bytes == bytes) {
                return i;
            }
        }
        throw new IllegalArgumentException(kernel.name() + " has no argument " + name + " of " + bytes + " bytes: " + arguments);
    }

    /** Queues the kernel with a grid of that size. */
    public void run(Stream stream, int x, int y, int z) {
        config.set(ValueLayout.JAVA_INT, 0, x);
        config.set(ValueLayout.JAVA_INT, 4, y);
        config.set(ValueLayout.JAVA_INT, 8, z);
        config.set(ValueLayout.ADDRESS, STREAM_AT, stream.handle());
        stream.timed(kernel.name(), weightBytes, () -> launch(x, y, z));
    }

    private void launch(int x, int y, int z) {
        Calls.check(CudaDriver.cuLaunchKernelEx(config, kernel.handle(), pointers, MemorySegment.NULL), "cuLaunchKernelEx",
                () -> kernel.name() + ", grid " + x + " x " + y + " x " + z + ", block " + block);
    }

    @Override
    public String toString() {
        return kernel.name();
    }

    /** Takes the arguments of a launch, in the order of the kernel's parameters. */
    public static final class Builder {
        private final Arena arena;
        private final Kernel kernel;
        private final int block;
        private final int sharedBytes;
        private final Start start;
        private final List<Argument> arguments = new ArrayList<>();
        private long weightBytes;
        private int cluster = 1;

        /**
         * A launch without its arguments.
         *
         * @param arena owns the memory that the driver reads
         * @param block threads a block
         * @param sharedBytes dynamic shared memory a block; what is above the usual limit was allowed to the kernel before
         * @param start when its blocks start
         */
        public Builder(Arena arena, Kernel kernel, int block, int sharedBytes, Start start) {
            this.arena = arena;
            this.kernel = kernel;
            this.block = block;
            this.sharedBytes = sharedBytes;
            this.start = start;
        }

        private Builder add(String name, String kind, int bytes, long value) {
            arguments.add(new Argument(name, kind, bytes, value, Optional.empty()));
            return this;
        }

        /** The next argument: a matrix as the copy engine sees it. */
        public Builder map(String name, TensorMap map) {
            arguments.add(new Argument(name, "a tensor map", TensorMap.BYTES, 0, Optional.of(map.memory())));
            return this;
        }

        /** How many bytes of weights a launch reads, for whoever measures; 0 unless that is said. */
        public Builder reads(long bytes) {
            weightBytes = bytes;
            return this;
        }

        /** Blocks, side by side along x, that form a cluster; the grid must be a multiple of it. */
        public Builder cluster(int blocks) {
            cluster = blocks;
            return this;
        }

        /** The next argument: a device address, or 0. */
        public Builder pointer(String name, long address) {
            return add(name, "a pointer", Long.BYTES, address);
        }

        /** The next argument: a whole number of 64 bits. */
        public Builder wide(String name, long value) {
            return add(name, "a long", Long.BYTES, value);
        }

        /** The next argument: a whole number of 32 bits. */
        public Builder integer(String name, int value) {
            return add(name, "an int", Integer.BYTES, Integer.toUnsignedLong(value));
        }

        /** The next argument: a float. */
        public Builder real(String name, float value) {
            return add(name, "a float", Float.BYTES, Integer.toUnsignedLong(Float.floatToRawIntBits(value)));
        }

        /**
         * The launch.
         *
         * @throws IllegalStateException if the arguments are not those that the image of the kernel has; names the kernel
         */
        public Launch build() {
            return new Launch(this);
        }
    }
}
