package io.jllm.cuda.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToIntFunction;

/** NVIDIA's cuBLASLt, where it is installed: products of matrices on tensor cores. Used by one thread at a time, with its context current. */
public final class Blas implements AutoCloseable {
    /** The library's name. */
    public static final String NAME = "libcublasLt.so.13";
    /** Bytes of device memory that products may use while they run. */
    public static final long WORKSPACE_BYTES = 32L << 20;

    // Numbers of cublas_api.h, cublasLt.h and library_types.h.
    private static final int COMPUTE_32F = 68;
    private static final int TRANSPOSE_A = 3;
    private static final int TRANSPOSED = 1;
    private static final int MOST_WORKSPACE = 1;
    /** A result of the heuristic: an algorithm of 64 bytes, then 32 bytes about it. */
    private static final int RESULT_BYTES = 96;

    /** What matrices hold; the numbers are those of {@code cudaDataType}. */
    public enum Type {
        /** Floats of 32 bits. */
        F32(0),
        /** Floats of 16 bits. */
        F16(2),
        /** The upper halves of floats of 32 bits. */
        BF16(14);

        private final int number;

        Type(int number) {
            this.number = number;
        }
    }

    /**
     * The shape of a product: y[r][n] = sum over k of w[n][k] x[r][k]. Rows of w and of x have one type, those of y are floats.
     *
     * @param type of w and x
     * @param outputs rows of w
     * @param cols of w and x
     * @param wPitch elements from row to row of w
     * @param xPitch elements from row to row of x
     * @param yPitch floats from row to row of y
     * @param rows of x and y
     */
    public record Shape(Type type, int outputs, int cols, long wPitch, long xPitch, long yPitch, int rows) {
    }

    private record Ready(MemorySegment w, MemorySegment x, MemorySegment y, MemorySegment algorithm) {
    }

    private final CublasLt lt;
    private final Arena arena = Arena.ofShared();
    private final Owner owner = new Owner();
    private final Map<Shape, Ready> ready = new HashMap<>();
    private final MemorySegment handle;
    private final MemorySegment preference;
    private final MemorySegment description;
    private final MemorySegment alpha = arena.allocate(ValueLayout.JAVA_FLOAT);
    private final MemorySegment beta = arena.allocate(ValueLayout.JAVA_FLOAT);

    private Blas(CublasLt lt) {
        this.lt = lt;
        owner.own((AutoCloseable) arena::close);
        try {
            handle = made(lt::create, "cublasLtCreate", lt::destroy);
            preference = made(lt::preferenceCreate, "cublasLtMatmulPreferenceCreate", lt::preferenceDestroy);
            check(lt.preferenceSet(preference, MOST_WORKSPACE, arena.allocateFrom(ValueLayout.JAVA_LONG, WORKSPACE_BYTES)),
                    "cublasLtMatmulPreferenceSetAttribute");
            description = made(out -> lt.descCreate(out, COMPUTE_32F, Type.F32.number), "cublasLtMatmulDescCreate", lt::descDestroy);
            check(lt.descSet(description, TRANSPOSE_A, arena.allocateFrom(ValueLayout.JAVA_INT, TRANSPOSED)), "cublasLtMatmulDescSetAttribute");
        } catch (RuntimeException e) {
            owner.close();
            throw e;
        }
    }

    /** Opens it for the context of this thread; empty where it is not installed or does not start. */
    public static Optional<Blas> open() {
        try {
            return Optional.of(new Blas(new CublasLt(SymbolLookup.libraryLookup(NAME, Arena.global()))));
        } catch (IllegalArgumentException | CudaException e) {
            return Optional.empty();
        }
    }

    private MemorySegment made(ToIntFunction<MemorySegment> create, String name, ToIntFunction<MemorySegment> destroy) {
        MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
        check(create.applyAsInt(out), name);
        MemorySegment made = out.get(ValueLayout.ADDRESS, 0);
        owner.own((AutoCloseable) () -> destroy.applyAsInt(made));
        return made;
    }

    private static void check(int status, String call) {
        if (status != 0) {
            throw new CudaException(call + " failed with status " + status + " of cuBLAS", status);
        }
    }

    /**
     * Queues y = factor w x, or y = y + factor w x.
     *
     * @param w device address, as x and y; all multiples of 16
     * @param adds whether to add to what y holds
     * @param workspace {@link #WORKSPACE_BYTES} of device memory that nothing else uses meanwhile
     */
    public void multiply(Shape shape, float factor, long w, long x, boolean adds, long y, long workspace, Stream stream) {
        Ready r = ready.get(shape);
        if (r == null) {
            r = prepare(shape);
            ready.put(shape, r);
        }
        alpha.set(ValueLayout.JAVA_FLOAT, 0, factor); // read before the call returns
        beta.set(ValueLayout.JAVA_FLOAT, 0, adds ? 1 : 0);
        check(lt.matmul(handle, description, alpha, w, r.w, x, r.x, beta, y, r.y, r.algorithm, workspace, WORKSPACE_BYTES, stream.handle()),
                "cublasLtMatmul of " + shape);
    }

    /** Rows of ours are columns of theirs. */
    private Ready prepare(Shape s) {
        MemorySegment w = layout(s.type, s.cols, s.outputs, s.wPitch);
        MemorySegment x = layout(s.type, s.cols, s.rows, s.xPitch);
        MemorySegment y = layout(Type.F32, s.outputs, s.rows, s.yPitch);
        MemorySegment result = arena.allocate(RESULT_BYTES, 16);
        MemorySegment found = arena.allocate(ValueLayout.JAVA_INT);
        check(lt.heuristic(handle, description, w, x, y, preference, result, found), "cublasLtMatmulAlgoGetHeuristic of " + s);
        if (found.get(ValueLayout.JAVA_INT, 0) < 1) {
            throw new CudaException("cuBLAS has no algorithm for " + s, 0);
        }
        return new Ready(w, x, y, result);
    }

    private MemorySegment layout(Type type, long rows, long cols, long pitch) {
        return made(out -> lt.layoutCreate(out, type.number, rows, cols, pitch), "cublasLtMatrixLayoutCreate", lt::layoutDestroy);
    }

    @Override
    public void close() {
        owner.close();
    }
}
