package io.jllm.cuda.kernels;

import io.jllm.cuda.driver.Blas;
import io.jllm.quant.DType;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/**
 * How a matrix lies on the device: the values of its file's format, split into planes of equal things, so that a warp reads neighbours. The README
 * beside the kernels has the layouts, {@code common/formats.cuh} the same list.
 */
public enum DeviceFormat {
    F32(0, DType.F32, Blas.Type.F32),
    F16(1, DType.F16, Blas.Type.F16),
    BF16(2, DType.BF16, Blas.Type.BF16),
    Q4_0(3, DType.Q4_0, 16, 2),
    Q8_0(4, DType.Q8_0, 32, 2),
    Q4_K(5, DType.Q4_K, 128, 16),
    Q5_K(6, DType.Q5_K, 128, 32, 16),
    Q6_K(7, DType.Q6_K, 128, 64, 16, 2),
    Q4_1(8, DType.Q4_1, 16, 4),
    Q5_0(9, DType.Q5_0, 16, 4, 2),
    Q5_1(10, DType.Q5_1, 16, 4, 4),
    Q2_K(11, DType.Q2_K, 64, 16, 4),
    Q3_K(12, DType.Q3_K, 64, 32, 12, 2),
    MXFP4(13, DType.MXFP4, 16, 1);

    private static final long PLANE_ALIGNMENT = 256;
    /** Bytes to which rows of plain values are filled up. */
    private static final long ROW_ALIGNMENT = 16;
    /** Rows whose scales stand together in formats of 32 values a block. */
    private static final long ROW_GROUP = 4;

    private final int number;
    private final DType type;
    private final Optional<Blas.Type> tensors;
    private final int[] planes;

    /** One of plain values. */
    DeviceFormat(int number, DType type, Blas.Type tensors) {
        this(number, type, Optional.of(tensors));
    }

    /** One of blocks: the bytes of a block in each plane. */
    DeviceFormat(int number, DType type, int... planes) {
        this(number, type, Optional.empty(), planes);
    }

    DeviceFormat(int number, DType type, Optional<Blas.Type> tensors, int... planes) {
        this.number = number;
        this.type = type;
        this.tensors = tensors;
        this.planes = planes;
    }

    /** The one for a file's type, if kernels read it. */
    public static Optional<DeviceFormat> of(DType type) {
        return Arrays.stream(values()).filter(f -> f.type == type).findFirst();
    }

    /** As kernels number it; compared with the image when that is loaded. */
    public int number() {
        return number;
    }

    /** The file's type. */
    public DType type() {
        return type;
    }

    /** As the library for products on tensor cores has it; empty for blocks. */
    public Optional<Blas.Type> tensors() {
        return tensors;
    }

    /** As names of kernels end. */
    public String suffix() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Whether it meets float activations; the others meet activations of 8 bits. */
    public boolean dense() {
        return planes.length == 0;
    }

    /** Whether rows of that length lie on the device exactly as in the file. */
    public boolean asInFile(long cols) {
        return dense() && cols * type.blockBytes() % ROW_ALIGNMENT == 0;
    }

    /** Bytes of a matrix on the device. */
    public long bytes(long rows, long cols) {
        if (dense()) {
            return align(rows * Math.ceilDiv(cols * type.blockBytes(), ROW_ALIGNMENT) * ROW_ALIGNMENT);
        }
        long rounded = type.blockElements() == 32 ? Math.ceilDiv(rows, ROW_GROUP) * ROW_GROUP : rows;
        long bytes = 0;
        for (int plane : planes) {
            bytes += align(rounded * (cols / type.blockElements()) * plane);
        }
        return bytes;
    }

    private static long align(long bytes) {
        return Math.ceilDiv(bytes, PLANE_ALIGNMENT) * PLANE_ALIGNMENT;
    }
}
