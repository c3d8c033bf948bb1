package io.jllm.cuda.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;
import java.util.Optional;

/**
 * A matrix as the copy engine of Hopper and later sees it: {@code CUtensorMap} of {@code cuda.h}, CUDA 12.0. Boxes of it are brought to shared memory
 * swizzled by 128 bytes, zeros where it has no values. Bound by hand, so that drivers without it can be told from others.
 *
 * @param memory its bytes, which launches hand over
 */
public record TensorMap(MemorySegment memory) {
    /** Of a map, which stands at a multiple of {@link #ALIGNMENT}. */
    public static final int BYTES = 128;
    /** In the device's memory and in parameters. */
    public static final int ALIGNMENT = 64;
    /** Columns of a box: 128 bytes, as many as the swizzle has. */
    public static final int BOX_COLUMNS = 64;
    /** Parts of that many columns that a box of {@link #deep} has. */
    public static final int DEEP = 8;

    private static final String FUNCTION = "cuTensorMapEncodeTiled";
    private static final int INTERLEAVE_NONE = 0;
    private static final int SWIZZLE_128B = 3;
    /** What reads weights once asks for no more than it needs: that is up to 2 % faster than 256 bytes. */
    private static final int L2_PROMOTION_NONE = 0;
    private static final int FILL_ZEROS = 0;
    /**
     * {@code CUresult cuTensorMapEncodeTiled(CUtensorMap *tensorMap, CUtensorMapDataType type, cuuint32_t rank, void *address, const cuuint64_t *dim,
     * const cuuint64_t *strides, const cuuint32_t *boxDim, const cuuint32_t *elementStrides, interleave, swizzle, l2Promotion, oobFill)}.
     */
    private static final Optional<MethodHandle> HANDLE = DriverLibrary.find(FUNCTION).map(f -> Linker.nativeLinker().downcallHandle(f,
            FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG,
                    ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_INT, ValueLayout.JAVA_INT)));

    /** Types of 16 bits, as {@code CUtensorMapDataType} numbers them. */
    public enum Type {
        /** IEEE half precision. */
        F16(6),
        /** The upper half of a float. */
        BF16(9);

        private final int number;

        Type(int number) {
            this.number = number;
        }
    }

    /**
     * A matrix on the device.
     *
     * @param type of its values
     * @param address where it starts, a multiple of 16
     * @param rows how many
     * @param cols how many
     * @param pitch values from row to row, a multiple of 8
     */
    public record Matrix(Type type, long address, int rows, int cols, int pitch) {
    }

    /** Whether the driver can make such maps. The library is there. */
    public static boolean known() {
        return HANDLE.isPresent();
    }

    /**
     * The map of a matrix, in boxes of {@link #BOX_COLUMNS} columns; the driver must know them.
     *
     * @param arena owns its memory
     * @param boxRows rows of a box, 1 to 256
     * @throws CudaException if the driver does not take it
     */
    public static TensorMap of(Arena arena, Matrix m, int boxRows) {
        return of(arena, m, new long[] {m.cols, m.rows}, new long[] {(long) m.pitch * Short.BYTES},
                new int[] {BOX_COLUMNS, boxRows});
    }

    /**
     * The map of a matrix in three dimensions, columns by rows by {@link #BOX_COLUMNS} columns: boxes have {@link #DEEP} times as many columns, one
     * part of so many rows behind the other.
     *
     * @param m of a multiple of {@link #BOX_COLUMNS} columns
     * @throws CudaException if the driver does not take it
     */
    public static TensorMap deep(Arena arena, Matrix m, int boxRows) {
        return of(arena, m, new long[] {BOX_COLUMNS, m.rows, m.cols / BOX_COLUMNS},
                new long[] {(long) m.pitch * Short.BYTES, (long) BOX_COLUMNS * Short.BYTES}, new int[] {BOX_COLUMNS, boxRows, DEEP});
    }

    private static TensorMap of(Arena arena, Matrix m, long[] dimensions, long[] strides, int[] box) {
        MethodHandle handle = HANDLE.orElseThrow(() -> new IllegalStateException("the NVIDIA driver lacks " + FUNCTION));
        MemorySegment map = arena.allocate(BYTES, ALIGNMENT);
        int[] ones = new int[box.length];
        Arrays.fill(ones, 1);
        try (Arena room = Arena.ofConfined()) {
            Calls.check((int) handle.invokeExact(map, m.type.number, box.length, m.address, room.allocateFrom(ValueLayout.JAVA_LONG, dimensions),
                    room.allocateFrom(ValueLayout.JAVA_LONG, strides), room.allocateFrom(ValueLayout.JAVA_INT, box),
                    room.allocateFrom(ValueLayout.JAVA_INT, ones), INTERLEAVE_NONE, SWIZZLE_128B, L2_PROMOTION_NONE, FILL_ZEROS), FUNCTION,
                    () -> m + ", boxes of " + Arrays.toString(box));
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
        return new TensorMap(map);
    }
}
