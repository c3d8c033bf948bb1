package io.jllm.cpu.kernels;

import io.jllm.cpu.machine.MachineCode;
import io.jllm.quant.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Q4_0 weights, rearranged so that a vector holds the same columns of 16 rows. For each group of 16 rows and each pair of blocks of
 * 32 columns: for each of the two, 16 scales in half precision; for each of the two and j of 0 to 3, bytes 4j to 4j + 3 of the
 * block of each row. Bytes are as Q4_0 has them, and as many, but that rows are filled up to whole groups with zeros, and that a
 * last block without a partner keeps the place of its partner's scales.
 *
 * @param data 64-byte aligned memory outside the heap
 * @param rows outputs
 * @param cols inputs
 * @param bias one float for each row, filled up to whole groups; of size 0 if there is none
 */
public record PackedMatrix(MemorySegment data, int rows, int cols, MemorySegment bias) implements Matrix {
    /** Rows of a group. */
    public static final int ROWS = MachineCode.ROWS;
    private static final int BLOCK = MachineCode.BLOCK;
    private static final long PAIR_OF_SCALES = 2L * MachineCode.SCALE_BYTES;
    private static final int STORED_BYTES = 18;
    private static final int VECTORS = 4;
    private static final int VECTOR_BYTES = ROWS * Integer.BYTES;
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** Bytes of a matrix of so many rows and columns. */
    public static long bytes(long rows, long cols) {
        return Math.multiplyExact(Math.ceilDiv(rows, ROWS), groupBytes(cols / BLOCK));
    }

    /** The same weights with a bias. */
    public PackedMatrix withBias(MemorySegment rowBias) {
        return new PackedMatrix(data, rows, cols, rowBias);
    }

    /** Groups of rows. */
    public int groups() {
        return Math.ceilDiv(rows, ROWS);
    }

    int blocks() {
        return cols / BLOCK;
    }

    long groupBytes() {
        return groupBytes(blocks());
    }

    private static long groupBytes(long blocks) {
        return blocks * MachineCode.NIBBLE_BYTES + Math.ceilDiv(blocks, 2) * PAIR_OF_SCALES;
    }

    private long nibbles(int group, int block) {
        return group * groupBytes() + groupBytes(block / 2 * 2) + PAIR_OF_SCALES + block % 2 * MachineCode.NIBBLE_BYTES;
    }

    private long scales(int group, int block) {
        return group * groupBytes() + groupBytes(block / 2 * 2) + block % 2 * MachineCode.SCALE_BYTES;
    }

    /** Fills in groups {@code from} (inclusive) to {@code to} (exclusive) from the stored tensor. Threads may share the work. */
    public void pack(Tensor stored, int from, int to) {
        MemorySegment src = stored.data();
        long rowBytes = stored.rowBytes();
        for (int g = from; g < to; g++) {
            int count = Math.min(ROWS, rows - g * ROWS);
            long first = (long) g * ROWS * rowBytes;
            for (int b = 0; b < blocks(); b++) {
                long scales = scales(g, b);
                long nibbles = nibbles(g, b);
                for (int r = 0; r < count; r++) {
                    long block = first + r * rowBytes + (long) b * STORED_BYTES;
                    data.set(SHORT, scales + (long) r * Short.BYTES, src.get(SHORT, block));
                    long quants = nibbles + (long) r * Integer.BYTES;
                    data.set(INT, quants, src.get(INT, block + 2));
                    data.set(INT, quants + VECTOR_BYTES, src.get(INT, block + 6));
                    data.set(INT, quants + 2 * VECTOR_BYTES, src.get(INT, block + 10));
                    data.set(INT, quants + 3 * VECTOR_BYTES, src.get(INT, block + 14));
                }
            }
        }
    }

    @Override
    public void decode(int row, float[] to) {
        int group = row / ROWS;
        int lane = row % ROWS;
        for (int b = 0; b < blocks(); b++) {
            float d = Float.float16ToFloat(data.get(SHORT, scales(group, b) + (long) lane * Short.BYTES));
            for (int j = 0; j < VECTORS; j++) {
                int bytes = data.get(INT, nibbles(group, b) + (long) j * VECTOR_BYTES + (long) lane * Integer.BYTES);
                int low = b * BLOCK + j * Integer.BYTES;
                for (int i = 0; i < Integer.BYTES; i++) {
                    int pair = bytes >>> Byte.SIZE * i;
                    to[low + i] = ((pair & 15) - 8) * d;
                    to[low + BLOCK / 2 + i] = ((pair >> 4 & 15) - 8) * d;
                }
            }
        }
    }
}
