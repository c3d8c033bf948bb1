package io.jllm.cuda.driver;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * The functions of {@code cublasLt.h} (CUDA 13) that {@link Blas} calls. Bound by hand: they are few, and the library may be absent, which generated
 * bindings do not foresee. All return a {@code cublasStatus_t}, 0 for success.
 */
final class CublasLt {
    private static final ValueLayout PTR = ValueLayout.ADDRESS;
    private static final ValueLayout INT = ValueLayout.JAVA_INT;
    private static final ValueLayout LONG = ValueLayout.JAVA_LONG;

    private interface Body {
        int run() throws Throwable;
    }

    private final SymbolLookup library;
    private final MethodHandle create;
    private final MethodHandle destroy;
    private final MethodHandle descCreate;
    private final MethodHandle descSet;
    private final MethodHandle descDestroy;
    private final MethodHandle layoutCreate;
    private final MethodHandle layoutDestroy;
    private final MethodHandle preferenceCreate;
    private final MethodHandle preferenceSet;
    private final MethodHandle preferenceDestroy;
    private final MethodHandle heuristic;
    private final MethodHandle matmul;

    /** Binds; throws IllegalArgumentException if a function is missing. */
    CublasLt(SymbolLookup library) {
        this.library = library;
        create = bind("cublasLtCreate", PTR);
        destroy = bind("cublasLtDestroy", PTR);
        descCreate = bind("cublasLtMatmulDescCreate", PTR, INT, INT);
        descSet = bind("cublasLtMatmulDescSetAttribute", PTR, INT, PTR, LONG);
        descDestroy = bind("cublasLtMatmulDescDestroy", PTR);
        layoutCreate = bind("cublasLtMatrixLayoutCreate", PTR, INT, LONG, LONG, LONG);
        layoutDestroy = bind("cublasLtMatrixLayoutDestroy", PTR);
        preferenceCreate = bind("cublasLtMatmulPreferenceCreate", PTR);
        preferenceSet = bind("cublasLtMatmulPreferenceSetAttribute", PTR, INT, PTR, LONG);
        preferenceDestroy = bind("cublasLtMatmulPreferenceDestroy", PTR);
        heuristic = bind("cublasLtMatmulAlgoGetHeuristic", PTR, PTR, PTR, PTR, PTR, PTR, PTR, INT, PTR, PTR);
        matmul = bind("cublasLtMatmul", PTR, PTR, PTR, LONG, PTR, LONG, PTR, PTR, LONG, PTR, LONG, PTR, PTR, LONG, LONG, PTR);
    }

    private MethodHandle bind(String name, MemoryLayout... parameters) {
        MemorySegment address = library.find(name).orElseThrow(() -> new IllegalArgumentException("cuBLASLt lacks " + name));
        return Linker.nativeLinker().downcallHandle(address, FunctionDescriptor.of(ValueLayout.JAVA_INT, parameters));
    }

    private static int call(Body body) {
        try {
            return body.run();
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }

    int create(MemorySegment out) {
        return call(() -> (int) create.invokeExact(out));
    }

    int destroy(MemorySegment handle) {
        return call(() -> (int) destroy.invokeExact(handle));
    }

    int descCreate(MemorySegment out, int computeType, int scaleType) {
        return call(() -> (int) descCreate.invokeExact(out, computeType, scaleType));
    }

    int descSet(MemorySegment desc, int attribute, MemorySegment value) {
        return call(() -> (int) descSet.invokeExact(desc, attribute, value, value.byteSize()));
    }

    int descDestroy(MemorySegment desc) {
        return call(() -> (int) descDestroy.invokeExact(desc));
    }

    int layoutCreate(MemorySegment out, int type, long rows, long cols, long pitch) {
        return call(() -> (int) layoutCreate.invokeExact(out, type, rows, cols, pitch));
    }

    int layoutDestroy(MemorySegment layout) {
        return call(() -> (int) layoutDestroy.invokeExact(layout));
    }

    int preferenceCreate(MemorySegment out) {
        return call(() -> (int) preferenceCreate.invokeExact(out));
    }

    int preferenceSet(MemorySegment preference, int attribute, MemorySegment value) {
        return call(() -> (int) preferenceSet.invokeExact(preference, attribute, value, value.byteSize()));
    }

    int preferenceDestroy(MemorySegment preference) {
        return call(() -> (int) preferenceDestroy.invokeExact(preference));
    }

    /** Asks for one algorithm for A times B to C and D, which have one layout. */
    int heuristic(MemorySegment handle, MemorySegment desc, MemorySegment a, MemorySegment b, MemorySegment c, MemorySegment preference,
            MemorySegment result,
            MemorySegment found) {
        return call(() -> (int) heuristic.invokeExact(handle, desc, a, b, c, c, preference, 1, result, found));
    }

    /** Queues D = alpha A B + beta D; addresses are the device's. */
    int matmul(MemorySegment handle, MemorySegment desc, MemorySegment alpha, long a, MemorySegment aLayout, long b, MemorySegment bLayout,
            MemorySegment beta,
            long d, MemorySegment dLayout, MemorySegment algorithm, long workspace, long workspaceBytes, MemorySegment stream) {
        return call(() -> (int) matmul.invokeExact(handle, desc, alpha, a, aLayout, b, bLayout, beta, d, dLayout, d, dLayout, algorithm, workspace,
                workspaceBytes,
                stream));
    }
}
