package io.jllm.cuda.kernels;

import io.jllm.cuda.driver.Launch;
import io.jllm.cuda.driver.Stream;
import io.jllm.cuda.driver.TensorMap;
import io.jllm.cuda.kernels.TensorKernels.Result;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Launches {@code product/blocks_wgmma.cu}: a matrix of blocks by some hundred rows of 16 bits on Hopper's tensor cores, whose weights become values
 * of 16 bits on their way.
 */
public final class BlocksKernels {
    /** Up to so many rows it is faster than a matrix that is expanded first, as measured on an H200. */
    public static final int MOST = 512;
    private static final String FAMILY = "blocks_wgmma_";
    private static final String LARGEST = FAMILY + "n16";
    private static final String SPLIT = "split_few";
    private static final String NORM = "rms_norm_laid";
    /** Columns of products that one in the name of a kernel stands for. */
    private static final int COLUMNS = 8;
    private static final int NUMBERS = 8;
    /** Most blocks that share the columns: larger clusters leave many multiprocessors without one. */
    private static final int MOST_SPLIT = 4;
    /** Of 100 multiprocessors those that clusters of three and four find room on. */
    private static final int REACHED = 90;
    /** Four neighbouring rows of a matrix lie together. */
    private static final int TOGETHER = 4;

    private final Kernels kernels;
    private final Arena arena;

    /** Launches whose memory the arena owns. */
    public BlocksKernels(Kernels kernels, Arena arena) {
        this.kernels = kernels;
        this.arena = arena;
    }

    /**
     * Where rows of 16 bits are laid down in the order in which the kernels meet them.
     *
     * @param address of the first row
     * @param scales a float for each row
     * @param rows that there is room for
     * @param pitch values from row to row, a multiple of {@link #pitch}'s result
     */
    public record Place(long address, long scales, int rows, int pitch) {
    }

    /** Values of a row of that many columns in a {@link Place}, if there are such kernels. */
    public static Optional<Integer> pitch(Kernels kernels, int cols) {
        return kernels.find(FAMILY + DeviceFormat.Q4_0.suffix() + "_n16").map(_ -> kernels.shape(LARGEST, NUMBERS)[3])
                .map(step -> Math.ceilDiv(cols, step) * step);
    }

    /** Lays rows down: bytes, or floats. */
    public RowsLaunch lay(Rows x, boolean bytes, int cols, Place to) {
        Launch.Builder b = kernels.launch(arena, SPLIT + (bytes ? "_bytes" : "_floats"), kernels.shape(SPLIT, 2)[0]);
        (bytes ? b.pointer("q", x.bytes()).pointer("s", x.scales()) : b.pointer("x", x.floats()).integer("ldx", x.pitch()))
                .pointer("pieces", to.address).integer("ld", to.pitch).pointer("scale", to.scales).integer("K", cols);
        return new RowsLaunch.Down(b.build());
    }

    /** Whether ops before products can lay rows of so many columns down for matrices of a format. */
    boolean laid(DeviceFormat format, int cols) {
        return find(format, FewKernels.MOST) && !format.floats() && kernels.find(NORM).isPresent() && cols <= kernels.shape(SPLIT, 2)[1];
    }

    private boolean find(DeviceFormat format, int most) {
        return kernels.find(FAMILY + format.suffix() + "_" + size(most)).isPresent() && TensorMap.known();
    }

    /** An RMS norm of rows of x, which become bytes, and floats if y has some, and are laid down as {@link #lay} does with the bytes. */
    RowsLaunch norm(Rows x, ProductKernels.Norm by, Rows y, int cols, Place to) {
        return new RowsLaunch.Down(kernels.launch(arena, NORM, kernels.shape(SPLIT, 2)[0]).pointer("x", x.floats()).integer("ldx", x.pitch())
                .pointer("w", by.weight()).real("eps", by.eps()).pointer("y", y.floats()).integer("ldy", y.pitch()).pointer("q", y.bytes())
                .pointer("s", y.scales()).pointer("pieces", to.address).integer("ld", to.pitch).pointer("scale", to.scales).integer("K", cols)
                .build());
    }

    /**
     * The product of rows that have been laid down; empty where there is no kernel for it.
     *
     * @param most rows that are asked for at a time: kernels for that many are taken
     */
    public Optional<RowsLaunch> multiply(ProductKernels.Weights w, Place x, Result r, int most) {
        if (!find(w.format(), most) || r.gated() && r.outputs() % TOGETHER != 0) {
            return Optional.empty();
        }
        String size = size(most);
        String name = FAMILY + w.format().suffix() + "_" + size;
        int[] shape = kernels.shape(FAMILY + size, NUMBERS); // threads, rows, warpgroups, columns of a step, of products, bytes, ns a step, a unit
        int matrixRows = (r.gated() ? 2 : 1) * r.outputs();
        int steps = Math.ceilDiv(w.cols(), shape[3]);
        TensorMap map = TensorMap.of(arena, new TensorMap.Matrix(TensorMap.Type.F16, x.address, x.rows, x.pitch, x.pitch), shape[4]);
        var splits = new ArrayList<Split>();
        for (int split = 1; split <= Math.min(MOST_SPLIT, steps); split++) {
            Launch launch = kernels.launch(arena, name, shape[0], shape[5]).cluster(split).reads(w.format().bytes(matrixRows, w.cols()))
                    .map("x", map).pointer("W", w.address()).pointer("scale", x.scales).pointer("bias", r.bias())
                    .pointer("residual", r.residual().floats()).integer("ldr", r.residual().pitch()).pointer("y", r.y().floats())
                    .integer("ldy", r.y().pitch()).pointer("yq", r.y().bytes()).pointer("ys", r.y().scales()).integer("N", r.outputs())
                    .integer("K", w.cols()).integer("rows", 0).integer("act", r.act()).build();
            int reached = kernels.multiprocessors() * (split > 2 ? REACHED : 100) / 100;
            splits.add(new Split(launch, launch.integer("rows"), split, Math.max(1, reached / split),
                    (long) Math.ceilDiv(Math.ceilDiv(steps, split), shape[2]) * shape[6] + shape[7]));
        }
        return Optional.of(new Splits(List.copyOf(splits), Math.ceilDiv(matrixRows, shape[1]), shape[4]));
    }

    private static String size(int most) {
        return "n" + (most <= FewKernels.MOST ? FewKernels.MOST : 2 * FewKernels.MOST) / COLUMNS;
    }

    /**
     * A launch whose units a cluster each does.
     *
     * @param launch of the kernel
     * @param rows its argument
     * @param blocks of a cluster
     * @param clusters that run at once
     * @param unitNanos how long a unit takes
     */
    private record Split(Launch launch, Launch.IntArgument rows, int blocks, int clusters, long unitNanos) {
        long nanos(int units) {
            return Math.ceilDiv(units, clusters) * unitNanos;
        }
    }

    /**
     * Launches that share the columns among few blocks or many, of which the one runs that should take the least time.
     *
     * @param across units of the same rows of x
     * @param columns rows of x of a unit
     */
    private record Splits(List<Split> splits, int across, int columns) implements RowsLaunch {
        @Override
        public void run(Stream stream, int n) {
            int units = Math.multiplyExact(across, Math.ceilDiv(n, columns));
            Split best = splits.getFirst();
            for (Split s : splits) {
                best = s.nanos(units) < best.nanos(units) ? s : best;
            }
            best.rows.set(n);
            best.launch.run(stream, Math.min(units, best.clusters) * best.blocks, 1, 1);
        }

        @Override
        public String toString() {
            return splits.getFirst().launch.toString();
        }
    }
}
