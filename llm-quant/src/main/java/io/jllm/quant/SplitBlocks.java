package io.jllm.quant;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Objects;

/**
 * MXFP4 as Hugging Face checkpoints have it, read as {@link DType#MXFP4}: the powers of two stand in a tensor of their own, and byte j of the
 * 16 of a block holds values 2j and 2j + 1, not j and j + 16. No value is computed. Source: the transformers library ({@code mxfp4.py}).
 *
 * @param blocks bytes, 16 a row, a row for each block
 * @param scales bytes, one for each block, row after row of the matrix
 * @param firstRow the first row of the matrix there
 * @param rows rows that are taken
 * @param rowStep rows from one of them to the next
 * @param cols values a row
 */
public record SplitBlocks(Tensor blocks, Tensor scales, long firstRow, long rows, long rowStep, long cols) implements Part {
    private static final int HALF = 16;

    /** Checks that all blocks are there. */
    public SplitBlocks {
        long blocksOfRow = cols / (2 * HALF);
        long needed = Math.multiplyExact(firstRow + (rows - 1) * rowStep + 1, blocksOfRow);
        if (cols % (2 * HALF) != 0 || rows < 1 || rowStep < 1 || blocks.cols() != HALF || blocks.type() != DType.I8
                || scales.type() != DType.I8 || needed > blocks.rows() || needed > scales.rows() * scales.cols()) {
            throw new IllegalArgumentException("tensors " + blocks.name() + ", " + blocks.rows() + " x " + blocks.cols() + ", and " + scales.name()
                    + ", " + scales.rows() + " x " + scales.cols() + ", are no " + rows + " rows of " + cols + " values in blocks of 32");
        }
    }

    @Override
    public DType type() {
        return DType.MXFP4;
    }

    @Override
    public List<MemorySegment> sources() {
        return List.of(blocks.data(), scales.data());
    }

    @Override
    public void read(long row, long count, MemorySegment to) {
        Objects.checkFromIndexSize(row, count, rows);
        long blocksOfRow = cols / (2 * HALF);
        var pairs = new byte[HALF];
        long at = 0;
        for (long r = row; r < row + count; r++) {
            long from = (firstRow + r * rowStep) * blocksOfRow;
            for (long b = from; b < from + blocksOfRow; b++) {
                to.set(ValueLayout.JAVA_BYTE, at, scales.data().get(ValueLayout.JAVA_BYTE, b));
                MemorySegment.copy(blocks.data(), ValueLayout.JAVA_BYTE, b * HALF, pairs, 0, HALF);
                regroup(pairs, 0, to, at + 1);
                at += DType.MXFP4.blockBytes();
            }
        }
    }

    /** 32 values of 4 bits, of which byte j has values 2j and 2j + 1, to 16 bytes, of which byte j has values j and j + 16. */
    static void regroup(byte[] pairs, int from, MemorySegment to, long at) {
        for (int j = 0; j < HALF; j++) {
            to.set(ValueLayout.JAVA_BYTE, at + j, (byte) (nibble(pairs, from, j) | nibble(pairs, from, j + HALF) << 4));
        }
    }

    private static int nibble(byte[] pairs, int from, int value) {
        return pairs[from + value / 2] >> value % 2 * 4 & 15;
    }
}
