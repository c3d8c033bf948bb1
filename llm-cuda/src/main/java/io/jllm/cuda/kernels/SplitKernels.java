package io.jllm.cuda.kernels;

import io.jllm.cuda.driver.Launch;
import io.jllm.cuda.driver.Stream;
import java.lang.foreign.Arena;

/** Launches {@code product/split.cu}: what stands around products of dense weights by many rows that a library does on tensor cores. */
public final class SplitKernels {
    private SplitKernels() {
    }

    /**
     * Splits rows of floats into two of 16 bits each: {@code high + low / factor = x / scale}.
     *
     * @param launch of the kernel
     * @param x where the rows are that it reads
     * @param factor what the lower parts are multiplied by
     */
    public record Split(Launch launch, Launch.PointerArgument x, float factor) {
        /** The launch for 16-bit parts of a format, F16 or BF16, with {@code ld} elements from row to row. */
        public static Split of(Kernels kernels, Arena arena, DeviceFormat format, int pitch, long high, long low, int ld, long scale, int cols) {
            String kernel = "split_" + format.suffix();
            int[] shape = kernels.shape(kernel, 2);
            Launch launch = kernels.launch(arena, kernel, shape[0]).pointer("x", 0).integer("ldx", pitch).pointer("high", high)
                    .pointer("low", low).integer("ld", ld).pointer("scale", scale).integer("K", cols).build();
            return new Split(launch, launch.pointer("x"), shape[1]);
        }

        /** Queues it for rows from an address on. */
        public void run(Stream stream, long from, int rows) {
            x.set(from);
            launch.run(stream, rows, 1, 1);
        }
    }

    /**
     * y = scale of the row * product + bias + residual, each of them if it is there.
     *
     * @param launch of the kernel
     * @param residual where the residuals of its first row are, or 0
     * @param y where its first row goes
     * @param blocks for each row
     */
    public record Combine(Launch launch, Launch.PointerArgument residual, Launch.PointerArgument y, int blocks) {
        /** The launch; a scale or bias of 0 is not there. */
        public static Combine of(Kernels kernels, Arena arena, Rows product, long scale, long bias, int ldr, int ldy, int outputs) {
            int threads = kernels.shape("combine", 1)[0];
            Launch launch = kernels.launch(arena, "combine", threads).pointer("product", product.floats()).integer("ldp", product.pitch())
                    .pointer("scale", scale).pointer("bias", bias).pointer("residual", 0).integer("ldr", ldr).pointer("y", 0)
                    .integer("ldy", ldy).integer("N", outputs).build();
            return new Combine(launch, launch.pointer("residual"), launch.pointer("y"), Math.ceilDiv(outputs, threads));
        }

        /** Queues it for rows of the residual (0: none) and of y from addresses on. */
        public void run(Stream stream, long residualFrom, long yFrom, int rows) {
            residual.set(residualFrom);
            y.set(yFrom);
            launch.run(stream, blocks, rows, 1);
        }
    }
}
