package io.jllm.cpu.kernels;

import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.layout.TokenFormat;
import io.jllm.cpu.layout.WeightFormat;
import io.jllm.quant.Weights;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Weights, rearranged for {@link PackedProducts}: see {@link WeightFormat}. They take as many bytes as the file has for them, or hardly more; rows
 * are filled up to whole groups of 16 with zeros.
 *
 * @param format how they lie
 * @param data 64-byte aligned memory outside the heap
 * @param rows outputs
 * @param cols inputs
 * @param bias one float for each row, filled up to whole groups; of size 0 if there is none
 * @param order which input each column meets; empty if they stand in order. Not to be changed
 * @param outliers inputs with an activation of at least that magnitude meet weights as floats, where others are rounded to bytes; 0 if none do
 */
public record PackedMatrix(WeightFormat format, MemorySegment data, int rows, int cols, MemorySegment bias, int[] order, float outliers)
        implements Matrix {
    /** Rows of a group. */
    public static final int ROWS = WeightFormat.ROWS;

    private static final int[] IN_ORDER = {};

    /** A matrix without a bias, of zeros if {@code data} is. */
    public static PackedMatrix of(WeightFormat format, MemorySegment data, int rows, int cols) {
        return new PackedMatrix(format, data, rows, cols, MemorySegment.NULL, IN_ORDER, 0);
    }

    /** The same weights with a bias. */
    public PackedMatrix withBias(MemorySegment rowBias) {
        return new PackedMatrix(format, data, rows, cols, rowBias, order, outliers);
    }

    /** The same weights, whose columns meet inputs in that order. */
    public PackedMatrix ordered(int[] inputs) {
        return new PackedMatrix(format, data, rows, cols, bias, inputs, outliers);
    }

    /** The same weights, which meet inputs from that magnitude on as floats. */
    public PackedMatrix withOutliers(float threshold) {
        return new PackedMatrix(format, data, rows, cols, bias, order, threshold);
    }

    /** Groups of rows. */
    public int groups() {
        return Math.ceilDiv(rows, ROWS);
    }

    public int blocks() {
        return Math.ceilDiv(cols, TokenFormat.BLOCK);
    }

    @Override
    public long bytes() {
        return data.byteSize();
    }

    public long groupBytes() {
        return format.groupBytes(cols);
    }

    /** Where in a group the unit starts whose first block that is. */
    public long unit(int group, int block) {
        int blocks = format.unitBlocks();
        return group * groupBytes() + (long) (block / blocks) * format.unitBytes(blocks);
    }

    /**
     * Fills in groups {@code from} (inclusive) to {@code to} (exclusive) from what is stored. Threads may share the work.
     *
     * @param first the stored row that is the first here
     */
    public void pack(Weights stored, long first, int from, int to) {
        int columns = format.unitColumns();
        int unit = format.unitBytes(format.unitBlocks());
        int storedUnit = Math.toIntExact(format.type().bytes(columns));
        int rowBytes = Math.toIntExact(stored.rowBytes());
        var records = new byte[unit];
        var rowsOfGroup = new byte[Math.multiplyExact(ROWS, rowBytes)];
        MemorySegment heap = MemorySegment.ofArray(rowsOfGroup);
        var group = new byte[Math.toIntExact(groupBytes())];
        for (int g = from; g < to; g++) {
            int count = Math.min(ROWS, rows - g * ROWS);
            stored.read(first + (long) g * ROWS, count, heap);
            for (int u = 0; u * columns < cols; u++) {
                format.layout().pack(format, rowsOfGroup, u * storedUnit, rowBytes, count, Math.min(columns, cols - u * columns), group, u * unit,
                        records);
            }
            MemorySegment.copy(group, 0, data, ValueLayout.JAVA_BYTE, g * groupBytes(), group.length);
        }
    }

    @Override
    public void decode(int row, float[] to) {
        if (order.length == 0) {
            decodeInPlace(row, to);
            return;
        }
        var columns = new float[cols];
        decodeInPlace(row, columns);
        for (int c = 0; c < cols; c++) {
            to[order[c]] = columns[c];
        }
    }

    /** Columns as they stand. */
    private void decodeInPlace(int row, float[] to) {
        int columns = format.unitColumns();
        for (int u = 0; u * columns < cols; u++) {
            format.layout().decode(data, unit(row / ROWS, u * format.unitBlocks()), row % ROWS, Math.min(columns, cols - u * columns), to,
                    u * columns);
        }
    }

    /** Writes a group as {@link WeightFormat#F32} has it: for each column, as they stand, 16 floats; rows that it lacks are zeros. */
    void decodeGroup(int group, MemorySegment to, long at, Workspace ws) {
        for (int r = 0; r < ROWS; r++) {
            decodeInPlace(group * ROWS + r, ws.row);
            for (int c = 0; c < cols; c++) {
                to.set(Rows.FLOAT, at + ((long) c * ROWS + r) * Float.BYTES, ws.row[c]);
            }
        }
    }
}
