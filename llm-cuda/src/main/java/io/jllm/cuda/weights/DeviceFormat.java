package io.jllm.cuda.weights;

import io.jllm.quant.DType;
import java.util.Arrays;
import java.util.Optional;

/**
 * How a matrix lies on the device: the values of its file's format, split into planes of equal things, so that a warp reads neighbours. The README
 * beside the kernels has the layouts.
 */
public enum DeviceFormat {
    F32(DType.F32), F16(DType.F16), BF16(DType.BF16),
    Q4_0(DType.Q4_0, 16, 2), Q8_0(DType.Q8_0, 32, 2),
    Q4_K(DType.Q4_K, 128, 16), Q5_K(DType.Q5_K, 128, 32, 16), Q6_K(DType.Q6_K, 128, 64, 16, 2);

    private static final long PLANE_ALIGNMENT = 256;
    /** Bytes to which rows of plain values are filled up. */
    private static final long ROW_ALIGNMENT = 16;
    /** Rows whose scales stand together in formats of 32 values a block. */
    private static final long ROW_GROUP = 4;

    private final DType type;
    private final int[] planes;

    DeviceFormat(DType type, int... planes) {
        this.type = type;
        this.planes = planes;
    }

    /** The one for a file's type, if kernels read it. */
    public static Optional<DeviceFormat> of(DType type) {
        return Arrays.stream(values()).filter(f -> f.type == type).findFirst();
    }

    /** The file's type. */
    public DType type() {
        return type;
    }

    /** As names of kernels end. */
    public String suffix() {
        return name().toLowerCase(java.util.Locale.ROOT);
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
