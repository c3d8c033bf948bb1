package io.jllm.cuda.compile;

import io.jllm.cuda.driver.Blas;
import io.jllm.cuda.driver.Launch;
import io.jllm.cuda.driver.Stream;
import io.jllm.cuda.kernels.Kernels;
import io.jllm.cuda.weights.WeightPlan;
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
 * @param weights where they are
 * @param pitch elements from row to row of the weights
 * @param x where the rows are
 * @param xPitch floats from row to row of x
 * @param residual 0 or where they are
 * @param residualPitch floats from row to row of them
 * @param y where results go
 * @param yPitch floats from row to row of y
 * @param outputs rows of the matrix
 * @param cols columns of the matrix
 */
public record TensorProduct(Room room, Blas.Type type, Optional<Launch> split, Launch combine, long weights, int pitch, long x, int xPitch,
        long residual,
                     int residualPitch, long y, int yPitch, int outputs, int cols) implements ManyRows {
    private static final int SPLIT_BLOCK = 256;
    private static final int COMBINE_BLOCK = 256;
    private static final int RESIDUAL_AT = 4;
    private static final int Y_AT = 6;
    /** What the lower parts of rows were multiplied by. */
    private static final float F16_LOW = 2048;
    private static final float BF16_LOW = 256;

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

    /** Lays the launches out, in an arena; a bias or residual is 0 if there is none. */
    static TensorProduct of(Kernels kernels, Arena arena, Room room, WeightPlan.Matrix w, long weights, long x, int xPitch, long bias, long residual,
            int residualPitch, long y, int yPitch) {
        Blas.Type type = switch (w.format()) {
            case F32 -> Blas.Type.F32;
            case F16 -> Blas.Type.F16;
            case BF16 -> Blas.Type.BF16;
            case Q4_0, Q8_0, Q4_K, Q5_K, Q6_K -> throw new IllegalArgumentException("not dense: " + w.format());
        };
        int align = type == Blas.Type.F32 ? 4 : 8;
        int pitch = Math.ceilDiv(w.cols(), align) * align;
        Optional<Launch> split = type == Blas.Type.F32 ? Optional.empty() : Optional.of(kernels.launch(arena, "split_" + w.format().suffix(),
                SPLIT_BLOCK, 7)
                .pointer(x).integer(xPitch).pointer(room.high()).pointer(room.low()).integer(pitch).pointer(room.scales()).integer(w.cols()));
        int productPitch = productPitch(w.rows());
        Launch combine = kernels.launch(arena, "combine", COMBINE_BLOCK, 9).pointer(room.product()).integer(productPitch)
                .pointer(split.isPresent() ? room.scales() : 0).pointer(bias).pointer(residual).integer(residualPitch).pointer(y).integer(yPitch)
                .integer(w.rows());
        return new TensorProduct(room, type, split, combine, weights, pitch, x, xPitch, residual, residualPitch, y, yPitch, w.rows(), w.cols());
    }

    private static int productPitch(int outputs) {
        return Math.ceilDiv(outputs, 4) * 4;
    }

    @Override
    public void launch(Stream stream, int rows) {
        int most = Room.rows(productPitch(outputs));
        for (int from = 0; from < rows; from += most) {
            launch(stream, from, Math.min(most, rows - from));
        }
    }

    private void launch(Stream stream, int from, int rows) {
        long at = x + (long) from * xPitch * Float.BYTES;
        if (split.isPresent()) {
            split.get().changeWide(0, at);
            split.get().run(stream, rows, 1, 1);
            // Rows and weights are filled up with zeros.
            var shape = new Blas.Shape(type, outputs, pitch, pitch, pitch, productPitch(outputs), rows);
            room.blas.multiply(shape, 1, weights, room.high(), false, room.product(), room.address, stream);
            room.blas.multiply(shape, 1 / (type == Blas.Type.F16 ? F16_LOW : BF16_LOW), weights, room.low(), true, room.product(), room.address,
                    stream);
        } else {
            room.blas.multiply(new Blas.Shape(type, outputs, cols, pitch, xPitch, productPitch(outputs), rows), 1, weights, at, false, room.product(),
                    room.address,
                    stream);
        }
        if (residual != 0) {
            combine.changeWide(RESIDUAL_AT, residual + (long) from * residualPitch * Float.BYTES);
        }
        combine.changeWide(Y_AT, y + (long) from * yPitch * Float.BYTES);
        combine.run(stream, Math.ceilDiv(outputs, COMBINE_BLOCK), rows, 1);
    }
}
