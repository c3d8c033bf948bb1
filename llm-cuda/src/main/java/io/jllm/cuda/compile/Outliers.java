package io.jllm.cuda.compile;

import io.jllm.cuda.kernels.ProductKernels;
import io.jllm.cuda.kernels.RowKernels;
import io.jllm.cuda.kernels.Rows;
import io.jllm.cuda.kernels.RowsLaunch;
import io.jllm.cuda.weights.WeightPlan;
import java.util.List;
import java.util.Optional;

/**
 * Products by a few rows of which large activations meet weights as floats, as LLM.int8() has it: the others are rounded to 8 bits, in a place of
 * their own, and what comes of the large ones is added to the product. Products by many rows meet floats anyway.
 */
public final class Outliers {
    private final Optional<Room> room;
    private final RowKernels kernels;

    Outliers(Optional<Room> room, RowKernels kernels) {
        this.room = room;
        this.kernels = kernels;
    }

    /**
     * Device memory for up to {@link ProductKernels#MOST_FEW} rows of one product at a time.
     *
     * @param address where it starts
     * @param cols columns that there is room for
     */
    public record Room(long address, int cols) {
        private static final int ALIGNMENT = 256;
        /** Values that share a scale, and its bytes. */
        private static final int BLOCK = 32;
        private static final int SCALE_BYTES = 8;
        /** A column and a value. */
        private static final int OUTLIER_BYTES = Integer.BYTES + Float.BYTES;

        /** What a model needs, at no address yet; nothing if it has no such weights. */
        public static Optional<Room> of(WeightPlan plan) {
            int cols = plan.mostOutlierCols();
            return cols == 0 ? Optional.empty() : Optional.of(new Room(0, cols));
        }

        /** The same at an address, a multiple of 256. */
        public Room at(long start) {
            return new Room(start, cols);
        }

        /** How much it is. */
        public long bytes() {
            return count() - address + aligned((long) ProductKernels.MOST_FEW * Integer.BYTES);
        }

        private Rows rows() {
            return new Rows(0, 0, address, address + aligned((long) ProductKernels.MOST_FEW * cols));
        }

        private long list() {
            return rows().scales() + aligned((long) ProductKernels.MOST_FEW * (cols / BLOCK) * SCALE_BYTES);
        }

        private long count() {
            return list() + aligned((long) ProductKernels.MOST_FEW * cols * OUTLIER_BYTES);
        }

        private static long aligned(long bytes) {
            return Math.ceilDiv(bytes, ALIGNMENT) * ALIGNMENT;
        }
    }

    /** Where a matrix meets rows. */
    Rows rows(WeightPlan.Matrix m, Rows x) {
        return m.outliers() == 0 ? x : room.orElseThrow().rows();
    }

    /** A product of rows x, which are floats, by a matrix that has met them where {@link #rows} says. */
    RowsLaunch around(RowsLaunch product, WeightPlan.Matrix m, ProductKernels.Weights w, Rows x, Rows y) {
        if (m.outliers() == 0) {
            return product;
        }
        Room r = room.orElseThrow();
        return new RowsLaunch.InTurn(List.of(kernels.takeOutliers(x, m.outliers(), r.rows(), r.list(), r.count(), m.cols()), product,
                kernels.addOutliers(w, r.list(), r.count(), y)));
    }
}
