package io.jllm.cuda.kernels;

import io.jllm.cuda.driver.Launch;
import io.jllm.cuda.driver.Stream;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;

/** Launches {@code product/gemv.cu}, {@code product/gemv_gated.cu} and {@code product/gemm.cu}: a matrix by a few rows or by many. */
public final class ProductKernels {
    /** Most rows for which weights are read row by row. */
    public static final int MOST_FEW = 8;
    /** Outputs that a warp computes together. */
    private static final int GROUP = 4;

    /**
     * A matrix on the device.
     *
     * @param format of its values
     * @param address where it starts
     * @param outputs its rows; of a gated product half of them
     * @param cols its columns
     */
    public record Weights(DeviceFormat format, long address, int outputs, int cols) {
    }

    private final Kernels kernels;
    private final Arena arena;

    /** Launches whose memory the arena owns. */
    public ProductKernels(Kernels kernels, Arena arena) {
        this.kernels = kernels;
        this.arena = arena;
    }

    /** Threads a block, blocks of a grid, and bytes of dynamic shared memory that each needs. */
    private record Grid(int threads, int blocks, int sharedBytes) {
        Grid(int threads, int blocks) {
            this(threads, blocks, 0);
        }
    }

    /** Kernels for up to 1, 2, 4 and 8 rows, the smallest of which is launched, and for each its grid. */
    private record Few(List<Launch> launches, List<Launch.IntArgument> rows, List<Grid> grids) implements RowsLaunch {
        static Few of(List<Launch> launches, List<Grid> grids) {
            return new Few(launches, launches.stream().map(l -> l.integer("rows")).toList(), grids);
        }

        @Override
        public void run(Stream stream, int n) {
            int size = Integer.SIZE - Integer.numberOfLeadingZeros(n - 1);
            rows.get(size).set(n);
            launches.get(size).run(stream, grids.get(size).blocks, 1, 1);
        }

        @Override
        public String toString() {
            return launches.toString();
        }
    }

    /** Tiles of outputs by rows. */
    private record Tiles(Launch launch, Launch.IntArgument rows, int across, int tile) implements RowsLaunch {
        @Override
        public void run(Stream stream, int n) {
            rows.set(n);
            launch.run(stream, across, Math.ceilDiv(n, tile), 1);
        }
    }

    /** y = residual + bias + W x for up to {@link #MOST_FEW} rows; y may be the residual. */
    public RowsLaunch few(Weights w, Rows x, long bias, Rows residual, Rows y) {
        int[] shape = kernels.shape("gemv", 5);
        int blocks = blocks(w.outputs, shape[2] * kernels.multiprocessors(), shape[3]);
        var one = new Grid(shape[0], blocks, Math.ceilDiv(Math.ceilDiv(w.outputs, GROUP), blocks) * shape[4]);
        return few("gemv_" + w.format.suffix(), one, new Grid(shape[0], Math.ceilDiv(w.outputs, shape[1])),
                b -> product(b, w, x, bias, residual, y));
    }

    /** As many blocks as run at once share the outputs evenly, four by four; more of them where one would have more than {@code most} outputs. */
    static int blocks(int outputs, int atOnce, int most) {
        int groups = Math.ceilDiv(outputs, GROUP);
        return Math.ceilDiv(groups, Math.min(Math.ceilDiv(groups, atOnce), most / GROUP));
    }

    /** The same for any number of rows. */
    public RowsLaunch many(Weights w, Rows x, long bias, Rows residual, Rows y) {
        int[] shape = kernels.shape("gemm", 2);
        Launch launch = product(kernels.launch(arena, "gemm_" + w.format.suffix(), shape[0]), w, x, bias, residual, y).build();
        return new Tiles(launch, launch.integer("rows"), Math.ceilDiv(w.outputs, shape[1]), shape[1]);
    }

    /** y = act(gate) up for up to {@link #MOST_FEW} rows, as floats, bytes or both; empty if there are no kernels for the format. */
    public Optional<RowsLaunch> gated(Weights w, Rows x, Rows y, int act) {
        String family = "gemv_gated_" + w.format.suffix();
        if (kernels.find(family + "_m1").isEmpty()) {
            return Optional.empty();
        }
        int[] shape = kernels.shape("gemv_gated", 3);
        int blocks = Math.ceilDiv(w.outputs, shape[1]);
        long bytes = w.format.bytes(2L * w.outputs, w.cols);
        return Optional.of(few(family, new Grid(shape[2], blocks), new Grid(shape[0], blocks),
                b -> input(b.reads(bytes).pointer("W", w.address), w, x)
                .pointer("y", y.floats()).integer("ldy", y.pitch()).pointer("yq", y.bytes()).pointer("ys", y.scales())
                .integer("N", w.outputs).integer("K", w.cols).integer("rows", 0).integer("act", act)));
    }

    /** With a grid for one row, and one for more. */
    private Few few(String family, Grid one, Grid more, UnaryOperator<Launch.Builder> arguments) {
        var launches = new ArrayList<Launch>();
        var grids = new ArrayList<Grid>();
        for (int rows = 1; rows <= MOST_FEW; rows *= 2) {
            Grid grid = rows == 1 ? one : more;
            launches.add(arguments.apply(kernels.launch(arena, family + "_m" + rows, grid.threads, grid.sharedBytes)).build());
            grids.add(grid);
        }
        return Few.of(launches, grids);
    }

    private static Launch.Builder product(Launch.Builder b, Weights w, Rows x, long bias, Rows residual, Rows y) {
        return input(b.reads(w.format.bytes(w.outputs, w.cols)).pointer("W", w.address), w, x).pointer("bias", bias)
                .pointer("residual", residual.floats()).integer("ldr", residual.pitch()).pointer("y", y.floats()).integer("ldy", y.pitch()).integer("N", w.outputs)
                .integer("K", w.cols).integer("rows", 0);
    }

    /** Dense weights meet floats, the others bytes. */
    static Launch.Builder input(Launch.Builder b, Weights w, Rows x) {
        return w.format.dense() ? b.pointer("x", x.floats()).integer("ldx", x.pitch()) : b.pointer("q", x.bytes()).pointer("s", x.scales());
    }
}
