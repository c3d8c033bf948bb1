package io.jllm.cuda.kernels;

import io.jllm.cuda.driver.Launch;
import io.jllm.cuda.driver.Stream;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Launches {@code product/gemv.cu}, {@code product/gemv_gated.cu} and {@code product/gemv_scaled.cu}, a matrix by a row, by {@link FewKernels} those
 * for a few, and {@code product/gemm.cu}, for many; by {@link RouterKernels} those of floats with few outputs.
 */
public final class ProductKernels {
    /** Most rows for which weights are streamed once. */
    public static final int MOST_FEW = 64;
    /** Most rows for which lanes multiply: beyond, tensor cores are faster. */
    private static final int MOST_VECTORS = 4;
    private static final int MOST_FLOAT_VECTORS = 1;
    static final int NOT_GATED = -1;
    /** Outputs that a warp computes together. */
    private static final int GROUP = 4;
    /** Numbers of a row that a block norms come in multiples of this. */
    private static final int NORMED_ALIGNMENT = 8;

    /**
     * A matrix on the device.
     *
     * @param format of its values
     * @param address where it starts
     * @param outputs its rows; of a gated product half of them
     * @param cols its columns
     */
    public record Weights(DeviceFormat format, long address, int outputs, int cols) {
        /** Bytes of so many times its outputs. */
        private long bytes(int times) {
            return format.bytes((long) times * outputs, cols);
        }
    }

    /**
     * A norm by the root mean square, which kernels for one row do themselves.
     *
     * @param weight where its weights are
     * @param eps what is added to the mean
     */
    public record Norm(long weight, float eps) {
    }

    /**
     * Memory for rows of x as numbers of 16 bits, of which one product at a time makes use.
     *
     * @param address where it starts
     */
    public record Room(long address) {
        private static final int MOST_PIECES = 2;
        /** Columns of matrices of blocks that tensor cores take together. */
        private static final int ALIGNMENT = 256;
        private static final int SCALE_BYTES = 256;

        /** Bytes of it for matrices of at most that many columns. */
        public static long bytes(int mostCols) {
            return SCALE_BYTES + (long) MOST_PIECES * MOST_FEW * pitch(mostCols) * Short.BYTES;
        }

        /** Elements from row to row. */
        static int pitch(int cols) {
            return Math.ceilDiv(cols, ALIGNMENT) * ALIGNMENT;
        }

        long scales() {
            return address;
        }

        long pieces() {
            return address + SCALE_BYTES;
        }

        /** Where rows of so many columns are laid down for matrices of blocks. */
        BlocksKernels.Place place(int cols) {
            return new BlocksKernels.Place(pieces(), scales(), MOST_FEW, pitch(cols));
        }
    }

    private final Kernels kernels;
    private final Arena arena;
    private final Room room;
    private final FewKernels few;
    private final BlocksKernels blocks;
    private final RouterKernels routers;

    /** Launches whose memory the arena owns. */
    public ProductKernels(Kernels kernels, Arena arena, Room room) {
        this.kernels = kernels;
        this.arena = arena;
        this.room = room;
        few = new FewKernels(kernels, arena, room);
        blocks = new BlocksKernels(kernels, arena);
        routers = new RouterKernels(kernels, arena);
    }

    /** Launches for up to 1, 2, 4, 8, 16, 32 and 64 rows: the smallest that serves is launched. */
    private record Few(List<RowsLaunch> launches) implements RowsLaunch {
        @Override
        public void run(Stream stream, int n) {
            launches.get(Integer.SIZE - Integer.numberOfLeadingZeros(n - 1)).run(stream, n);
        }

        @Override
        public String toString() {
            return launches.toString();
        }
    }

    /** Where a product by weights of 16 bits meets up to 8, 16, 32 and 64 rows in pieces; empty if it does not. */
    public List<MixtureKernels.Split> pieces(Weights w) {
        return few.pieces(w);
    }

    /** y = residual + bias + W x for up to {@link #MOST_FEW} rows; y may be the residual. */
    public RowsLaunch few(Weights w, Rows x, long bias, Rows residual, Rows y) {
        return few(w, x, bias, residual, y, false);
    }

    /**
     * Where products by matrices of blocks of any of these formats meet more than half of {@link #MOST_FEW} rows of so many columns; empty if they
     * do not.
     */
    public Optional<BlocksKernels.Place> laid(List<DeviceFormat> formats, int cols) {
        return Optional.of(room.place(cols)).filter(p -> p.pitch() == cols && formats.stream().allMatch(f -> blocks.laid(f, cols)));
    }

    /**
     * A norm that leaves rows laid down for the products behind it, too.
     *
     * @param norm the norm for fewer rows, which makes bytes of them, and floats if those are wanted
     * @param to what {@link #laid} said
     * @param y where they go
     */
    public RowsLaunch normed(RowsLaunch norm, BlocksKernels.Place to, Rows x, Norm by, Rows y, int cols) {
        return new RowsLaunch.UpTo(MOST_FEW / 2, norm, blocks.norm(x, by, y, cols, to));
    }

    /**
     * The same; where rows are {@code ready}, those of two rows and more are in pieces where {@link #pieces} says, or those that {@link #laid} is for
     * are laid down.
     */
    public RowsLaunch few(Weights w, Rows x, long bias, Rows residual, Rows y, boolean ready) {
        if (RouterKernels.takes(w)) {
            return routers.multiply(w, x, bias, residual, y);
        }
        int[] shape = kernels.shape("gemv", 5);
        One one = one(w);
        var launches = new ArrayList<RowsLaunch>();
        for (int rows = 1; rows <= mostVectors(w) && one.shared() <= kernels.sharedMemory(); rows *= 2) {
            String name = "gemv_" + w.format.suffix() + "_m" + rows;
            Launch.Builder b = product(rows == 1 ? kernels.launch(arena, name, one.threads, one.shared()) : kernels.launch(arena, name, shape[0]),
                    w, x, bias, residual, y);
            launches.add(vectors(w.format.scaled() ? b.integer("partsBytes", one.parts) : b,
                    rows == 1 ? one.blocks : Math.ceilDiv(w.outputs, shape[1])));
        }
        return few(launches, new FewKernels.Product(w, x, bias, residual, y, NOT_GATED, ready));
    }

    /**
     * How one row is met.
     *
     * @param threads a block
     * @param parts shared memory for sums
     * @param row shared memory for the row
     */
    private record One(int threads, int blocks, int parts, int row) {
        int shared() {
            return parts + row;
        }
    }

    private One one(Weights w) {
        boolean scaled = w.format.scaled();
        int[] shape = kernels.shape(scaled ? "gemv_scaled" : "gemv", scaled ? 6 : 5);
        int at = scaled ? 1 : 2;
        int blocks = blocks(w.outputs, shape[at] * kernels.multiprocessors(), shape[at + 1]);
        return new One(shape[0], blocks, Math.ceilDiv(Math.ceilDiv(w.outputs, GROUP), blocks) * shape[at + 2], scaled ? rowBytes(w) : 0);
    }

    /** Shapes of gated products by one row: threads, outputs a block, shared memory but for the row. */
    private int[] gatedShape(Weights w) {
        int[] shape = w.format.scaled() ? kernels.shape("gemv_scaled", 6) : kernels.shape("gemv_gated", 4);
        return w.format.scaled() ? new int[] {shape[0], shape[4], shape[5]} : new int[] {shape[2], shape[1], shape[3]};
    }

    /** y = bias + W x for one row of floats, which is normed before; empty if there is no kernel for it, or no room for the row. */
    public Optional<RowsLaunch> normed(Weights w, Rows x, Norm norm, long bias, Rows y) {
        String name = "gemv_normed_" + w.format.suffix();
        One one = one(w);
        int shared = one.parts + rowBytes(w);
        if (kernels.find(name).isEmpty() || shared > kernels.sharedMemory()) {
            return Optional.empty();
        }
        Launch launch = normed(kernels.launch(arena, name, one.threads, shared), w, 1, x, norm).pointer("bias", bias).pointer("y", y.floats())
                .integer("N", w.outputs).integer("K", w.cols).integer("partsBytes", one.parts).build();
        return Optional.of((stream, _) -> launch.run(stream, one.blocks, 1, 1));
    }

    /** y = act(gate) up for one row of floats, which is normed before; empty if there is no kernel for it, or no room for the row. */
    public Optional<RowsLaunch> gatedNormed(Weights w, Rows x, Norm norm, Rows y, int act) {
        String name = "gemv_gated_normed_" + w.format.suffix();
        int[] shape = gatedShape(w);
        int shared = rowBytes(w);
        if (kernels.find(name).isEmpty() || w.outputs % shape[1] != 0 || shared + shape[2] > kernels.sharedMemory()) {
            return Optional.empty();
        }
        Launch launch = normed(kernels.launch(arena, name, shape[0], shared), w, 2, x, norm).pointer("y", y.floats()).pointer("yq", y.bytes())
                .pointer("ys", y.scales()).integer("N", w.outputs).integer("K", w.cols).integer("act", act).build();
        return Optional.of((stream, _) -> launch.run(stream, w.outputs / shape[1], 1, 1));
    }

    private static Launch.Builder normed(Launch.Builder b, Weights w, int times, Rows x, Norm norm) {
        return b.reads(w.bytes(times)).pointer("W", w.address).pointer("x", x.floats()).pointer("norm", norm.weight)
                .real("eps", norm.eps);
    }

    /** Shared memory for a row that a block norms, or keeps. */
    private static int rowBytes(Weights w) {
        return Math.ceilDiv(w.cols, NORMED_ALIGNMENT) * NORMED_ALIGNMENT * Float.BYTES;
    }

    /** Lanes multiply up to so many rows. */
    private static int mostVectors(Weights w) {
        return w.format.floats() ? MOST_FLOAT_VECTORS : MOST_VECTORS;
    }

    private Few few(List<RowsLaunch> vectors, FewKernels.Product product) {
        List<RowsLaunch> more = few.launches(product);
        for (int rows = 1 << vectors.size(); rows <= MOST_VECTORS; rows *= 2) {
            vectors.add(more.getFirst());
        }
        vectors.addAll(more);
        return new Few(List.copyOf(vectors));
    }

    private static RowsLaunch vectors(Launch.Builder b, int blocks) {
        return new RowsLaunch.Told(b.build(), blocks);
    }

    /** As many blocks as run at once share the outputs evenly, four by four; more of them where one would have more than {@code most} outputs. */
    static int blocks(int outputs, int atOnce, int most) {
        int groups = Math.ceilDiv(outputs, GROUP);
        return Math.ceilDiv(groups, Math.min(Math.ceilDiv(groups, atOnce), most / GROUP));
    }

    /** The same for any number of rows. */
    public RowsLaunch many(Weights w, Rows x, long bias, Rows residual, Rows y) {
        if (RouterKernels.takes(w)) {
            return routers.multiply(w, x, bias, residual, y);
        }
        int[] shape = kernels.shape("gemm", 2);
        Launch launch = product(kernels.launch(arena, "gemm_" + w.format.suffix(), shape[0]), w, x, bias, residual, y).build();
        return new RowsLaunch.Tiles(launch, Math.ceilDiv(w.outputs, shape[1]), shape[1]);
    }

    /**
     * y = act(gate) up for up to {@link #MOST_FEW} rows, as floats, bytes or both; empty if there are no kernels for the format or the width.
     *
     * @param ready whether rows are laid down as {@link #laid} says
     */
    public Optional<RowsLaunch> gated(Weights w, Rows x, Rows y, int act, boolean ready) {
        String family = "gemv_gated_" + w.format.suffix();
        int[] shape = kernels.shape("gemv_gated", 4);
        int[] one = gatedShape(w);
        int shared = w.format.scaled() ? rowBytes(w) : 0;
        boolean whole = w.outputs % shape[1] == 0; // a block does so many, of neighbouring rows
        if (kernels.find(family + "_m1").isEmpty() || !whole || shared + one[2] > kernels.sharedMemory()) {
            return Optional.empty();
        }
        int blocks = w.outputs / shape[1];
        var launches = new ArrayList<RowsLaunch>();
        for (int rows = 1; rows <= mostVectors(w); rows *= 2) {
            Launch.Builder b = kernels.launch(arena, family + "_m" + rows, rows == 1 ? one[0] : shape[0], rows == 1 ? shared : 0)
                    .reads(w.bytes(2)).pointer("W", w.address);
            launches.add(vectors(input(b, w, x).pointer("y", y.floats()).integer("ldy", y.pitch())
                    .pointer("yq", y.bytes()).pointer("ys", y.scales()).integer("N", w.outputs).integer("K", w.cols).integer("rows", 0)
                    .integer("act", act), blocks));
        }
        return Optional.of(few(launches, new FewKernels.Product(w, x, 0, Rows.NONE, y, act, ready)));
    }

    static Launch.Builder product(Launch.Builder b, Weights w, Rows x, long bias, Rows residual, Rows y) {
        return input(b.reads(w.bytes(1)).pointer("W", w.address), w, x).pointer("bias", bias)
                .pointer("residual", residual.floats()).integer("ldr", residual.pitch()).pointer("y", y.floats()).integer("ldy", y.pitch())
                .integer("N", w.outputs).integer("K", w.cols).integer("rows", 0);
    }

    /** Plain weights and those with scales meet floats, the others bytes. */
    static Launch.Builder input(Launch.Builder b, Weights w, Rows x) {
        return w.format.floats() ? b.pointer("x", x.floats()).integer("ldx", x.pitch()) : b.pointer("q", x.bytes()).pointer("s", x.scales());
    }
}
