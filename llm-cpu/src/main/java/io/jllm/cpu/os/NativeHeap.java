package io.jllm.cpu.os;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

/**
 * The C library's heap. Compiling code leaves it many megabytes that are free, but that glibc keeps.
 */
public final class NativeHeap {
    private NativeHeap() {
    }

    /** Gives free pages back to the system, where the C library is glibc and the application lets this module call it. */
    public static void trim() {
        if (!NativeHeap.class.getModule().isNativeAccessEnabled()) {
            return; // not worth a warning of the JVM
        }
        var linker = Linker.nativeLinker();
        Optional<MemorySegment> function = linker.defaultLookup().find("malloc_trim");
        if (function.isPresent()) {
            try {
                int _ = (int) linker.downcallHandle(function.get(), FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG))
                        .invokeExact(0L);
            } catch (Throwable t) {
                throw SystemCalls.unexpected(t);
            }
        }
    }
}
