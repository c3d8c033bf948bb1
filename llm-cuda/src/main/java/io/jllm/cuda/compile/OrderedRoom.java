package io.jllm.cuda.compile;

import io.jllm.cuda.kernels.Rows;
import io.jllm.cuda.weights.WeightPlan;
import io.jllm.model.BufferPlan;
import io.jllm.spi.Backend.RunnerOptions;
import java.util.Optional;

/**
 * Device memory for rows whose columns are put into the order in which a matrix meets them, as floats and in 8 bits: of one matrix at a time.
 *
 * @param address where it starts
 * @param rows how many there is room for
 * @param cols columns that there is room for
 */
public record OrderedRoom(long address, int rows, int cols) {
    private static final int ALIGNMENT = 256;
    /** Values that share a scale, and its bytes. */
    private static final int BLOCK = 32;
    private static final int SCALE_BYTES = 8;

    /** What a model needs, at no address yet; nothing if all its matrices have their columns as they are. */
    public static Optional<OrderedRoom> of(WeightPlan plan, RunnerOptions options) {
        int cols = plan.mostOrderedCols();
        return cols == 0 ? Optional.empty() : Optional.of(new OrderedRoom(0, Math.max(options.maxTokensPerStep(), options.maxLogitRows()), cols));
    }

    /** The same at an address, a multiple of 256. */
    public OrderedRoom at(long address) {
        return new OrderedRoom(address, rows, cols);
    }

    /** How much it is. */
    public long bytes() {
        return scalesAt() + aligned((long) rows * (cols / BLOCK) * SCALE_BYTES);
    }

    /** Rows of so many columns. */
    Rows of(int columns) {
        return new Rows(address, pitch(columns), address + bytesAt(), address + scalesAt());
    }

    private static int pitch(int columns) {
        return Math.ceilDiv(columns, BufferPlan.ALIGN) * BufferPlan.ALIGN;
    }

    private long bytesAt() {
        return aligned((long) rows * pitch(cols) * Float.BYTES);
    }

    private long scalesAt() {
        return bytesAt() + aligned((long) rows * cols);
    }

    private static long aligned(long bytes) {
        return Math.ceilDiv(bytes, ALIGNMENT) * ALIGNMENT;
    }
}
