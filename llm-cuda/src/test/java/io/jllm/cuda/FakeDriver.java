package io.jllm.cuda;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/** What tests ask of the driver in {@code fake_libcuda.c}, in a JVM that has it as its {@code libcuda.so.1}. */
final class FakeDriver {
    static final int OUT_OF_MEMORY = 2;
    static final int LAUNCH_FAILED = 719;

    private static final SymbolLookup LIBRARY = SymbolLookup.libraryLookup("libcuda.so.1", Arena.global());
    private static final MethodHandle LIVE = number("fake_live");
    private static final MethodHandle BYTES = number("fake_bytes");
    private static final MethodHandle LAUNCHES = number("fake_launches");
    private static final MethodHandle GRAPH_LAUNCHES = number("fake_graph_launches");
    private static final MethodHandle FAIL = Linker.nativeLinker().downcallHandle(LIBRARY.findOrThrow("fake_fail"),
            FunctionDescriptor.ofVoid(ValueLayout.ADDRESS, ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT));

    private FakeDriver() {
    }

    private static MethodHandle number(String name) {
        return Linker.nativeLinker().downcallHandle(LIBRARY.findOrThrow(name), FunctionDescriptor.of(ValueLayout.JAVA_LONG));
    }

    /** Things of any kind that were made and not given back. */
    static long live() {
        return call(LIVE);
    }

    /** Bytes of device memory that are taken. */
    static long bytes() {
        return call(BYTES);
    }

    /** Kernels launched so far, but for those in graphs. */
    static long launches() {
        return call(LAUNCHES);
    }

    static long graphLaunches() {
        return call(GRAPH_LAUNCHES);
    }

    private static long call(MethodHandle handle) {
        try {
            return (long) handle.invokeExact();
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }

    /** Makes the n-th call from now on fail; the name {@code *} stands for any function that allocates; n = 0 takes it back. */
    static void fail(String function, long n, int code) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment name = arena.allocateFrom(function);
            FAIL.invokeExact(name, n, code);
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }
}
