package io.jllm.cuda;

import java.util.Optional;

/**
 * How the kernels for one row of a family are launched; what the constant {@code <family>_shape} says.
 *
 * @param threads a block
 * @param rows of the matrix that a block takes at a time
 * @param blocksEach most blocks for each multiprocessor, which then take several times so many rows; 0 for no limit
 * @param sharedBytes dynamic shared memory of a block
 * @param sharedBytesPer32 and so much more for every 32 columns
 */
record OneRowShape(int threads, int rows, int blocksEach, int sharedBytes, int sharedBytesPer32) {
    private static final int NUMBERS = 5;

    /** The shape of a family, if its kernels are there and a block has room for that many columns. */
    static Optional<OneRowShape> of(Kernels kernels, String family, int cols, int roomBytes) {
        if (kernels.find(family).isEmpty()) {
            return Optional.empty();
        }
        int[] n = kernels.shape(family);
        if (n.length != NUMBERS) {
            throw new IllegalStateException("the constant " + family + "_shape has " + n.length + " numbers, not " + NUMBERS);
        }
        var shape = new OneRowShape(n[0], n[1], n[2], n[3], n[4]);
        return shape.shared(cols) <= roomBytes ? Optional.of(shape) : Optional.empty();
    }

    /** Dynamic shared memory for that many columns. */
    int shared(int cols) {
        return sharedBytes + sharedBytesPer32 * Math.ceilDiv(cols, 32);
    }

    /** Blocks of a grid for that many outputs. */
    int blocks(int outputs, int multiprocessors) {
        int all = Math.ceilDiv(outputs, rows);
        return blocksEach == 0 ? all : Math.min(all, blocksEach * multiprocessors);
    }
}
