package io.jllm.cuda.kernels;

import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * How a matrix lies on the device: the values of its file's format, split into planes of equal things, so that a warp reads neighbours. The README
 * beside the kernels has the layouts, {@code common/formats.cuh} the same list.
 *
 * <p>It takes as many bytes as in the file but for rounding, and but for a few formats, of which a scale takes a byte instead of 6 or 4 bits
 * (IQ4_XS: 138 bytes for 136, IQ3_S: 114 for 110), or a zero two bytes (U4_128: 68 for 67), or which lie there as another one (TQ1_0 as TQ2_0: 66
 * bytes for 54). Formats that number the points of a grid have its table in front, of up to 16 KiB a matrix.
 */
public enum DeviceFormat {
    F32(0, DType.F32, 1),
    F16(1, DType.F16, 1),
    BF16(2, DType.BF16, 1),
    Q4_0(3, DType.Q4_0, 1, rows(16), fours(8)),
    Q8_0(4, DType.Q8_0, 1, rows(32), fours(8)),
    Q4_K(5, DType.Q4_K, 1, rows(128), fours(32), fours(16), fours(16)),
    Q5_K(6, DType.Q5_K, 1, rows(128), fours(128), fours(32), fours(16), fours(16)),
    Q6_K(7, DType.Q6_K, 1, rows(128), rows(64), fours(64), fours(8)),
    Q4_1(8, DType.Q4_1, 1, rows(16), fours(16)),
    Q5_0(9, DType.Q5_0, 1, rows(16), fours(16), fours(8)),
    Q5_1(10, DType.Q5_1, 1, rows(16), fours(16), fours(16)),
    Q2_K(11, DType.Q2_K, 1, rows(64), fours(64), fours(16)),
    Q3_K(12, DType.Q3_K, 1, rows(64), fours(128), fours(32), fours(16), fours(8)),
    MXFP4(13, DType.MXFP4, 1, rows(16), fours(4)),
    IQ4_NL(14, DType.IQ4_NL, 1, rows(16), fours(8)),
    IQ4_XS(15, DType.IQ4_XS, 1, rows(128), fours(32), fours(8)),
    IQ2_XXS(16, DType.IQ2_XXS, 1, rows(64), rows(2)),
    IQ2_XS(17, DType.IQ2_XS, 1, rows(64), rows(8), rows(2)),
    IQ2_S(18, DType.IQ2_S, 1, rows(64), rows(16), rows(2)),
    IQ3_XXS(19, DType.IQ3_XXS, 1, rows(64), rows(32), rows(2)),
    IQ3_S(20, DType.IQ3_S, 1, rows(64), rows(32), rows(16), rows(2)),
    /** With shifts of 1/8: kernels have points eight times as large. */
    IQ1_S(21, DType.IQ1_S, 8, rows(32), rows(16), rows(2)),
    IQ1_M(22, DType.IQ1_M, 8, rows(32), rows(16), rows(8)),
    TQ1_0(23, DType.TQ1_0, 1, rows(64), rows(2)),
    TQ2_0(24, DType.TQ2_0, 1, rows(64), rows(2)),
    U2_32(25, DType.U2_32, 1, fours(16), fours(16), fours(8), fours(4)),
    U2_64(26, DType.U2_64, 1, fours(32), fours(32), fours(16)),
    U2_128(27, DType.U2_128, 1, fours(64), fours(64), fours(16)),
    U3_32(28, DType.U3_32, 1, fours(16), fours(16), fours(16), fours(8), fours(4)),
    U3_64(29, DType.U3_64, 1, fours(32), fours(32), fours(32), fours(16)),
    U3_128(30, DType.U3_128, 1, fours(64), fours(64), fours(64), fours(16)),
    U4_32(31, DType.U4_32, 1, rows(16), fours(16)),
    U4_64(32, DType.U4_64, 1, rows(32), fours(16)),
    U4_128(33, DType.U4_128, 1, rows(64), fours(16)),
    U8_32(34, DType.U8_32, 1, rows(32), fours(8), fours(4)),
    NF4(35, DType.NF4, 1, rows(32), fours(16)),
    FP4(36, DType.FP4, 1, rows(32), fours(16)),
    S8_64(37, DType.S8_64, 1, rows(64), fours(16)),
    /** With the factor of its matrix, which stands in all blocks of the file, once a row. */
    E2M1_64(38, DType.E2M1_64, 1, rows(32), fours(16), once(4)),
    F8_64(39, DType.F8_64, 1, rows(64), fours(16));

    /** What stands behind each other: blocks of a row; of four rows side by side, from a multiple of {@link #ROW_ALIGNMENT} on; or rows. */
    private enum Order { ROWS, FOURS, ONCE }

    /**
     * A plane.
     *
     * @param bytes of a row's block, of those of four rows, or of a row
     */
    private record Plane(int bytes, Order order) {
        long bytes(long rows, long blocks) {
            long groups = Math.ceilDiv(rows, ROW_GROUP);
            return align(switch (order) {
                case ROWS -> groups * ROW_GROUP * blocks * bytes;
                case FOURS -> groups * (Math.ceilDiv(blocks * bytes, ROW_ALIGNMENT) * ROW_ALIGNMENT);
                case ONCE -> groups * ROW_GROUP * bytes;
            });
        }
    }

    private static final long PLANE_ALIGNMENT = 256;
    /** Bytes to which rows of plain values are filled up. */
    static final long ROW_ALIGNMENT = 16;
    /** Rows that are read together. */
    static final long ROW_GROUP = 4;

    private final int number;
    private final DType type;
    private final int times;
    private final List<Plane> planes;

    /** One with the factor of its grid's points; one without planes is of plain values. */
    DeviceFormat(int number, DType type, int times, Plane... planes) {
        this.number = number;
        this.type = type;
        this.times = times;
        this.planes = List.of(planes);
    }

    private static Plane rows(int bytes) {
        return new Plane(bytes, Order.ROWS);
    }

    private static Plane fours(int bytes) {
        return new Plane(bytes, Order.FOURS);
    }

    private static Plane once(int bytes) {
        return new Plane(bytes, Order.ONCE);
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

    /** The format of 16 bits in which products of many rows meet it: its own, or that to which it is expanded; empty if it would lose too much. */
    public Optional<DeviceFormat> operand() {
        return this == F32 ? Optional.empty() : Optional.of(dense() ? this : F16);
    }

    /** As names of kernels end. */
    public String suffix() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Whether it meets float activations; the others meet activations of 8 bits. */
    public boolean floats() {
        return dense() || scaled();
    }

    /** Whether its values are floats that share scales. */
    public boolean scaled() {
        return this == F8_64;
    }

    /** Whether its values are plain ones. */
    public boolean dense() {
        return planes.isEmpty();
    }

    /** Whether its values are plain ones of 16 bits. */
    public boolean bits16() {
        return dense() && type.blockBytes() == Short.BYTES;
    }

    /** Whether rows of that length lie on the device exactly as in the file. */
    public boolean asInFile(long cols) {
        return dense() && cols * type.blockBytes() % ROW_ALIGNMENT == 0;
    }

    /** What stands in front of a matrix: the points of the format's grid, as signed bytes; nothing for most. */
    public byte[] table() {
        byte[] points = Codec.of(type).map(Codec::grid).orElse(new byte[0]);
        for (int i = 0; i < points.length; i++) {
            points[i] *= (byte) times;
        }
        return points;
    }

    /** Bytes of a matrix on the device. */
    public long bytes(long rows, long cols) {
        if (dense()) {
            return align(rows * Math.ceilDiv(cols * type.blockBytes(), ROW_ALIGNMENT) * ROW_ALIGNMENT);
        }
        return align(table().length) + planes.stream().mapToLong(p -> p.bytes(rows, cols / type.blockElements())).sum();
    }

    /** Where the last plane of a matrix of blocks starts, of most formats that of the scales. */
    long lastPlaneAt(long rows, long cols) {
        return bytes(rows, cols) - planes.getLast().bytes(rows, cols / type.blockElements());
    }

    private static long align(long bytes) {
        return Math.ceilDiv(bytes, PLANE_ALIGNMENT) * PLANE_ALIGNMENT;
    }
}
