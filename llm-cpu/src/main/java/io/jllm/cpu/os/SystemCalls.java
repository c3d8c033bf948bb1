package io.jllm.cpu.os;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandleProxies;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.function.Consumer;

/** Memory of the operating system: Linux on x86-64, whose constants these are. */
public final class SystemCalls {
    private static final int READ = 1;
    private static final int WRITE = 2;
    private static final int EXECUTE = 4;
    private static final int PRIVATE_ANONYMOUS = 0x22;
    private static final int NO_RESERVE = 0x4000;
    private static final int DONT_NEED = 4;
    private static final int HUGE_PAGE = 14;
    private static final long FAILED = -1;
    static final long PAGE = 4096;
    static final long HUGE = 2 << 20;

    private final MethodHandle mmap;
    private final MethodHandle munmap;
    private final MethodHandle mprotect;
    private final MethodHandle madvise;

    /**
     * Binds them.
     *
     * @throws IllegalCallerException if the JVM denies native access
     */
    public SystemCalls() {
        mmap = bind("mmap", JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG);
        munmap = bind("munmap", JAVA_INT, JAVA_LONG, JAVA_LONG);
        mprotect = bind("mprotect", JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT);
        madvise = bind("madvise", JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT);
    }

    /** A function of the C library. */
    static MethodHandle bind(String name, MemoryLayout result, MemoryLayout... arguments) {
        var linker = Linker.nativeLinker();
        return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), FunctionDescriptor.of(result, arguments));
    }

    /** What to throw where a handle failed: none of these functions throws, but the JVM may have no memory left to make the call. */
    static Error unexpected(Throwable t) {
        return t instanceof Error e ? e : new AssertionError("a native call threw", t);
    }

    private long map(long bytes, int flags) {
        try {
            return (long) mmap.invokeExact(0L, bytes, READ | WRITE, PRIVATE_ANONYMOUS | flags, -1, 0L);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    private void unmap(long address, long bytes) {
        try {
            int _ = (int) munmap.invokeExact(address, bytes);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    private int advise(long address, long bytes, int advice) {
        try {
            return (int) madvise.invokeExact(address, bytes, advice);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /**
     * Code, ready to run, for as long as the segment or a slice of it can be reached. Never writable and executable at once.
     *
     * @throws MachineCodeException if the system refuses
     */
    public MemorySegment executable(byte[] code) {
        long bytes = Math.ceilDiv(code.length, PAGE) * PAGE;
        long at = map(bytes, 0);
        if (at == FAILED) {
            throw new MachineCodeException("the system gives no memory for machine code (mmap of " + bytes + " bytes)");
        }
        MemorySegment.copy(MemorySegment.ofArray(code), 0, MemorySegment.ofAddress(at).reinterpret(bytes), 0, code.length);
        int result;
        try {
            result = (int) mprotect.invokeExact(at, bytes, READ | EXECUTE);
        } catch (Throwable t) {
            throw unexpected(t);
        }
        if (result != 0) {
            unmap(at, bytes);
            throw new MachineCodeException("the system refuses executable memory (mprotect); a security policy may forbid it");
        }
        return MemorySegment.ofAddress(at).reinterpret(bytes, Arena.ofAuto(), unmapping(at, bytes));
    }

    /**
     * Gives code back when nobody can run it any more. It is made of nothing but the JDK's own: whoever waits for that holds on to it, and
     * a class of ours would keep its class loader, and with that the code.
     */
    @SuppressWarnings("unchecked")
    private Consumer<MemorySegment> unmapping(long address, long bytes) {
        MethodHandle call = MethodHandles.insertArguments(munmap, 0, address, bytes);
        return MethodHandleProxies.asInterfaceInstance(Consumer.class,
                MethodHandles.dropArguments(call.asType(MethodType.methodType(void.class)), 0, MemorySegment.class));
    }

    /**
     * Memory of zeros that takes space when it is first written, in pages of 2 MiB where the system has them. The arena frees
     * it.
     *
     * @throws OutOfMemoryError if there is no room for it
     */
    MemorySegment hugePages(Arena arena, long bytes) {
        long room = Math.ceilDiv(bytes, HUGE) * HUGE + HUGE;
        long start = map(room, NO_RESERVE);
        if (start == FAILED) {
            throw new OutOfMemoryError("the system gives no " + room + " bytes of memory");
        }
        long at = Math.ceilDiv(start, HUGE) * HUGE;
        advise(at, room - HUGE, HUGE_PAGE); // where it is refused, small pages do
        return MemorySegment.ofAddress(at).reinterpret(bytes, arena, _ -> unmap(start, room));
    }

    /**
     * Says that the pages of a mapped file are not needed now. They stay valid, and are read again from the file if need be.
     * Other memory is left alone: it would lose its contents.
     */
    void release(MemorySegment mapped) {
        if (mapped.isMapped() && mapped.isReadOnly()) {
            long from = mapped.address() / PAGE * PAGE;
            long to = Math.ceilDiv(mapped.address() + mapped.byteSize(), PAGE) * PAGE;
            advise(from, to - from, DONT_NEED);
        }
    }
}
