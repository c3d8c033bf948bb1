package io.jllm.cuda.compile;

import io.jllm.cuda.driver.Blas;
import io.jllm.cuda.driver.Stream;
import io.jllm.cuda.kernels.Kernels;
import io.jllm.cuda.kernels.ProductKernels;
import io.jllm.cuda.kernels.Rows;
import io.jllm.cuda.kernels.RowsLaunch;
import io.jllm.cuda.kernels.SplitKernels;
import java.lang.foreign.Arena;
import java.util.Optional;

/**
 * A product of dense weights by many rows on tensor cores, by a library. Rows of floats meet weights of 16 bits as two rows of 16 bits each, since
 * float weights meet float activations: the README beside the kernels says how exact that is.
 *
 * @param room what it needs while it runs
 * @param type of the weights
 * @param split rows into two; none for weights of 32 bits
 * @param combine adds biases and residuals
 * @param weights the matrix
 * @param pitch elements from row to row of the weights
 * @param x the rows
 * @param residual what is added, if there is anything
 * @param y where results go
 */
public record TensorProduct(Room room, Blas.Type type, Optional<SplitKernels.Split> split, SplitKernels.Combine combine,
        ProductKernels.Weights weights, int pitch, Rows x, Rows residual, Rows y) implements RowsLaunch {
    /**
     * Device memory for all products, of which only one runs at a time.
     *
     * @param blas the library
     * @param address where it starts
     * @param mostCols the most columns of a matrix
     */
    public record Room(Blas blas, long address, int mostCols) {
        /** Rows that are multiplied at a time, or fewer if their results would not fit. */
        private static final int MOST_ROWS = 512;
        private static final long PRODUCT_BYTES = 64L << 20;

        /** Bytes for matrices of at most that many columns. */
        public static long bytes(int mostCols) {
            return Blas.WORKSPACE_BYTES + PRODUCT_BYTES + (long) MOST_ROWS * Float.BYTES + 2 * partBytes(mostCols);
        }

        private static long partBytes(int mostCols) {
            return (long) MOST_ROWS * Math.ceilDiv(mostCols, 8) * 8 * Short.BYTES;
        }

        private static int rows(int pitch) {
            return (int) Math.clamp(PRODUCT_BYTES / Float.BYTES / pitch, 1, MOST_ROWS);
        }

        private long product() {
            return address + Blas.WORKSPACE_BYTES;
        }

        private long scales() {
            return product() + PRODUCT_BYTES;
        }

        private long high() {
            return scales() + (long) MOST_ROWS * Float.BYTES;
        }

        private long low() {
            return high() + partBytes(mostCols);
        }
    }

    /** Lays the launches out, in an arena; the weights are dense. */
    static TensorProduct of(Kernels kernels, Arena arena, Room room, ProductKernels.Weights w, Rows x, long bias, Rows residual, Rows y) {
        Blas.Type type = w.format().tensors().orElseThrow(() -> new IllegalArgumentException("not dense: " + w.format()));
        int align = type == Blas.Type.F32 ? 4 : 8;
        int pitch = Math.ceilDiv(w.cols(), align) * align;
        Optional<SplitKernels.Split> split = type == Blas.Type.F32 ? Optional.empty() : Optional.of(SplitKernels.Split.of(kernels, arena, w.format(),
                x.pitch(), room.high(), room.low(), pitch, room.scales(), w.cols()));
        SplitKernels.Combine combine = SplitKernels.Combine.of(kernels, arena, Rows.ofFloats(room.product(), productPitch(w.outputs())),
                split.isPresent() ? room.scales() : 0, bias, residual.pitch(), y.pitch(), w.outputs());
        return new TensorProduct(room, type, split, combine, w, pitch, x, residual, y);
    }

    private static int productPitch(int outputs) {
        return Math.ceilDiv(outputs, 4) * 4;
    }

    @Override
    public void run(Stream stream, int rows) {
        int most = Room.rows(productPitch(weights.outputs()));
        for (int from = 0; from < rows; from += most) {
            run(stream, from, Math.min(most, rows - from));
        }
    }

    private void run(Stream stream, int from, int rows) {
        int to = productPitch(weights.outputs());
        if (split.isPresent()) {
            split.get().run(stream, x.row(from), rows);
            // Rows and weights are filled up with zeros.
            var shape = new Blas.Shape(type, weights.outputs(), pitch, pitch, pitch, to, rows);
            room.blas.multiply(shape, 1, weights.address(), room.high(), false, room.product(), room.address, stream);
            room.blas.multiply(shape, 1 / split.get().factor(), weights.address(), room.low(), true, room.product(), room.address, stream);
        } else {
            room.blas.multiply(new Blas.Shape(type, weights.outputs(), weights.cols(), pitch, x.pitch(), to, rows), 1, weights.address(),
                    x.row(from), false, room.product(), room.address, stream);
        }
        combine.run(stream, residual.row(from), y.row(from), rows);
    }

    @Override
    public String toString() {
        return split.map(s -> s.launch() + ", ").orElse("") + "cuBLASLt, " + combine.launch();
    }
}
