package io.jllm.cpu.os;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Collections;

/**
 * Calls of code that this process has written into memory, with one, six or ten arguments of 64 bits. Handles that the compiler may take
 * for constants; touched only once native access is known to be granted.
 */
public final class CodeCalls {
    private static final MethodHandle ONE = handle(1);
    private static final MethodHandle SIX = handle(6);
    private static final MethodHandle TEN = handle(10);

    private CodeCalls() {
    }

    private static MethodHandle handle(int arguments) {
        return Linker.nativeLinker().downcallHandle(
                FunctionDescriptor.ofVoid(Collections.nCopies(arguments, JAVA_LONG).toArray(MemoryLayout[]::new)));
    }

    public static void call(MemorySegment function, long a) {
        try {
            ONE.invokeExact(function, a);
        } catch (Throwable t) {
            throw SystemCalls.unexpected(t);
        }
    }

    public static void call(MemorySegment function, long a, long b, long c, long d, long e, long f) {
        try {
            SIX.invokeExact(function, a, b, c, d, e, f);
        } catch (Throwable t) {
            throw SystemCalls.unexpected(t);
        }
    }

    public static void call(MemorySegment function, long a, long b, long c, long d, long e, long f, long g, long h, long i, long j) {
        try {
            TEN.invokeExact(function, a, b, c, d, e, f, g, h, i, j);
        } catch (Throwable t) {
            throw SystemCalls.unexpected(t);
        }
    }
}
