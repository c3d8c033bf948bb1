package io.jllm.cpu.kernels;

import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.layout.WeightFormat;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Memory of one thread for products that go elsewhere from there: some rows of a matrix by some tokens; and for such rows, where they are
 * made for it. Grows to what a step needs and stays, and so do the objects that describe it.
 */
public final class ProductTile {
    /** Most rows of a matrix. */
    public static final int ROWS = 256;
    private static final int GROUP = WeightFormat.ROWS;

    private MemorySegment memory = MemorySegment.NULL;
    private final Target[][] targets = new Target[ROWS / GROUP + 1][0];
    private MemorySegment floats = MemorySegment.NULL;
    private final List<PackedMatrix> weights = new ArrayList<>();

    /**
     * Room for products of so many tokens, one row each.
     *
     * @param rows how many rows of the matrix; at most {@value #ROWS}
     * @param from the first of them, a multiple of 16: its products are the first of each row
     */
    public Target target(int tokens, int rows, int from) {
        int groups = Math.ceilDiv(rows, GROUP);
        long needed = (long) tokens * groups * GROUP * Float.BYTES;
        if (memory.byteSize() < needed) {
            memory = Arena.ofAuto().allocate(needed + needed / 2, WeightFormat.VECTOR);
            Arrays.stream(targets).forEach(t -> Arrays.fill(t, null));
        }
        int at = from / GROUP;
        if (targets[groups].length <= at) {
            targets[groups] = Arrays.copyOf(targets[groups], 2 * at + 1);
        }
        Target known = targets[groups][at];
        return known != null ? known : (targets[groups][at] = new Target(new Rows(memory, 0, groups * GROUP), -from, Optional.empty()));
    }

    /**
     * Room for rows of weights as floats.
     *
     * @param rows how many; at most {@value #ROWS}
     */
    public PackedMatrix weights(int rows, int cols) {
        for (int i = 0; i < weights.size(); i++) { // by number: an iterator would be garbage
            if (weights.get(i).rows() == rows && weights.get(i).cols() == cols) {
                return weights.get(i);
            }
        }
        long needed = WeightFormat.F32.bytes(rows, cols);
        if (floats.byteSize() < needed) {
            floats = Arena.ofAuto().allocate(needed, WeightFormat.VECTOR);
            weights.clear();
        }
        PackedMatrix made = PackedMatrix.of(WeightFormat.F32, floats, rows, cols);
        weights.add(made);
        return made;
    }

    /** Bytes it holds. */
    long bytes() {
        return memory.byteSize() + floats.byteSize();
    }
}
