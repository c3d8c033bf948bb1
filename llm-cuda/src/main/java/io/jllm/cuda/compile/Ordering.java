package io.jllm.cuda.compile;

import io.jllm.cuda.kernels.RowKernels;
import io.jllm.cuda.kernels.Rows;
import io.jllm.cuda.kernels.RowsLaunch;
import io.jllm.cuda.weights.WeightPlan;
import io.jllm.model.BufferPlan;
import io.jllm.model.Value;
import io.jllm.spi.Backend.RunnerOptions;
import java.util.Optional;

/**
 * Brings the columns of a value into the order in which a matrix meets them, for those that have one of their own. Where all matrices that meet a
 * value have the same, its bytes are made in that order, once; else they come into it before each product, in a place of their own.
 */
public final class Ordering {
    private final DeviceState state;
    private final Values values;
    private final RowKernels kernels;
    private final Mode mode;

    Ordering(DeviceState state, Values values, RowKernels kernels, Mode mode) {
        this.state = state;
        this.values = values;
        this.kernels = kernels;
        this.mode = mode;
    }

    /**
     * Device memory for rows whose columns are put into the order in which a matrix meets them, as floats and in 8 bits: of one matrix at a time.
     *
     * @param address where it starts
     * @param rows how many there is room for
     * @param cols columns that there is room for
     */
    public record Room(long address, int rows, int cols) {
        private static final int ALIGNMENT = 256;
        /** Values that share a scale, and its bytes. */
        private static final int BLOCK = 32;
        private static final int SCALE_BYTES = 8;

        /** What a model needs, at no address yet; nothing if all its matrices have their columns as they are. */
        public static Optional<Room> of(WeightPlan plan, RunnerOptions options) {
            int cols = plan.mostOrderedCols();
            return cols == 0 ? Optional.empty() : Optional.of(new Room(0, Math.max(options.maxTokensPerStep(), options.maxLogitRows()), cols));
        }

        /** The same at an address, a multiple of 256. */
        public Room at(long start) {
            return new Room(start, rows, cols);
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

    /** Where a matrix meets the rows of a value. */
    Rows rows(WeightPlan.Matrix w, Value v) {
        return w.ordered() && values.ordered(v).isEmpty() ? room(w) : values.rows(v);
    }

    private Rows room(WeightPlan.Matrix w) {
        return state.rooms().ordered().orElseThrow().of(w.cols());
    }

    /** What brings them there, right before the product; nothing if columns stand as in the value. Steps of many rows meet floats too. */
    Optional<RowsLaunch> launch(WeightPlan.Matrix w, Value v) {
        if (!w.ordered() || values.ordered(v).isPresent()) {
            return Optional.empty();
        }
        Rows to = room(w);
        return Optional.of(order(w, v, new Rows(mode.anyBatch() ? to.floats() : 0, to.pitch(), to.bytes(), to.scales())));
    }

    /** The same as an op. */
    Optional<CompiledOp> op(WeightPlan.Matrix w, Value v) {
        return launch(w, v).map(l -> new CompiledOp.OfRows(l, v.rows()));
    }

    private RowsLaunch order(WeightPlan.Matrix w, Value v, Rows to) {
        return kernels.order(values.rows(v), state.weights() + w.orderAt(), to, w.cols());
    }

    /** Makes the bytes of a value, when an op has left it as floats, if they are to stand in another order. */
    Optional<CompiledOp> bytes(Value v) {
        Rows all = values.rows(v);
        return values.ordered(v).map(w -> new CompiledOp.OfRows(order(w, v, new Rows(0, all.pitch(), all.bytes(), all.scales())), v.rows()));
    }
}
