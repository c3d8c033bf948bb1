package io.jllm.cuda.kernels;

import io.jllm.cuda.driver.Launch;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** Launches {@code product/few.cu} and {@code product/few_dense.cu}: a matrix by 2 to {@link #MOST} rows on tensor cores. */
final class FewKernels {
    /** Most rows. */
    static final int MOST = ProductKernels.MOST_FEW;
    /** Rows that a tensor core multiplies together. */
    private static final int COLUMNS = 8;
    /** Rows of 16 bits are split for more rows than this beforehand. */
    private static final int MOST_SPLIT_INSIDE = 16;
    private static final int TILE = 16;
    /** Numbers of {@code few_shape} before those of formats, and formats before those of blocks. */
    private static final int FEW_NUMBERS = 5;
    private static final int FIRST_OF_BLOCKS = 3;
    private static final int DENSE_NUMBERS = 5;
    /** Outputs of a gated product that a block quantises together. */
    private static final int GATED_OUTPUTS = 32;

    /**
     * How a block is cut.
     *
     * @param warps of it
     * @param parts of the columns, which warps share
     */
    private record Cut(int warps, int parts) {
    }

    /** Every one, those first that keep most in flight. */
    private static final List<Cut> CUTS = List.of(new Cut(8, 8), new Cut(8, 4), new Cut(8, 2), new Cut(8, 1), new Cut(4, 4), new Cut(4, 2),
            new Cut(4, 1), new Cut(2, 1));

    /**
     * What is computed.
     *
     * @param w the matrix; of a gated product twice as many rows as outputs
     * @param x the rows
     * @param bias added, or 0
     * @param residual added, if there is one
     * @param y where results go; of a gated product as floats, bytes or both
     * @param act the activation of a gated product, or -1
     */
    record Product(ProductKernels.Weights w, Rows x, long bias, Rows residual, Rows y, int act) {
        private boolean gated() {
            return act >= 0;
        }
    }

    /** A launch for tiles of rows of x, and before it that which splits them, if there is one. */
    private record Tiled(Optional<RowsLaunch> split, Launch launch, Launch.IntArgument rows, int blocks, int most) implements RowsLaunch {
        @Override
        public void run(io.jllm.cuda.driver.Stream stream, int n) {
            split.ifPresent(s -> s.run(stream, n));
            rows.set(n);
            launch.run(stream, blocks, Math.ceilDiv(n, most), 1);
        }

        @Override
        public String toString() {
            return split.map(s -> s + ", ").orElse("") + launch;
        }
    }

    private final Kernels kernels;
    private final Arena arena;
    private final ProductKernels.Room room;

    /** Launches whose memory the arena owns. */
    FewKernels(Kernels kernels, Arena arena, ProductKernels.Room room) {
        this.kernels = kernels;
        this.arena = arena;
        this.room = room;
    }

    /** Launches for up to 8, 16, 32 and 64 rows. Where a block has no room for so many, that for fewer takes them in turn. */
    List<RowsLaunch> launches(Product product) {
        var all = new ArrayList<RowsLaunch>();
        for (int columns = COLUMNS; columns <= MOST; columns *= 2) {
            all.add(launch(product, columns).or(() -> Optional.of(all.getLast())).orElseThrow());
        }
        return all;
    }

    private Optional<RowsLaunch> launch(Product p, int columns) {
        DeviceFormat format = p.w.format();
        boolean split = format.bits16() && columns > MOST_SPLIT_INSIDE;
        int pieces = format == DeviceFormat.F16 ? 1 : 2;
        Size size = format.dense() ? dense(format, columns, split ? pieces : 0) : blocks(format, columns);
        Optional<Cut> cut = cut(p, columns, size);
        return cut.map(c -> {
            int times = columns / COLUMNS;
            String name = "few_" + format.suffix() + (split ? "_p" + pieces : "") + "_n" + times;
            Launch.Builder b = kernels.launch(arena, name, Integer.SIZE * c.warps, size.bytes(c, columns))
                    .reads(format.bytes((p.gated() ? 2L : 1) * p.w.outputs(), p.w.cols())).pointer("W", p.w.address());
            Launch launch = output(split ? pieces(b, p) : ProductKernels.input(b, p.w, p.x), p, c).build();
            int outputs = size.rows * c.warps / c.parts / (p.gated() ? 2 : 1);
            return new Tiled(split ? Optional.of(split(p)) : Optional.empty(), launch, launch.integer("rows"),
                    Math.ceilDiv(p.w.outputs(), outputs), columns);
        });
    }

    /**
     * What a block takes.
     *
     * @param rows of the matrix a warp
     * @param warpBytes shared memory a warp
     * @param partBytes and for each part of the columns
     */
    private record Size(int rows, int warpBytes, int partBytes) {
        /** Shared memory in all; in the end there are sums in its place. */
        int bytes(Cut c, int columns) {
            return Math.max(c.warps * warpBytes + c.parts * partBytes, c.warps * columns * (rows + 4) * Float.BYTES);
        }
    }

    private Size blocks(DeviceFormat format, int columns) {
        int[] shape = kernels.constants("few_shape");
        int times = columns / COLUMNS;
        int rows = shape[Integer.numberOfTrailingZeros(times)];
        return new Size(rows, rows / TILE * shape[FEW_NUMBERS + format.ordinal() - FIRST_OF_BLOCKS], times * shape[FEW_NUMBERS - 1]);
    }

    private Size dense(DeviceFormat format, int columns, int pieces) {
        int[] shape = kernels.shape("few_dense", DENSE_NUMBERS);
        int times = columns / COLUMNS;
        return new Size(shape[0], shape[1], times * (pieces > 0 ? pieces * shape[4] : format.bits16() ? shape[3] : shape[2]));
    }

    /** The best cut of a block that has room. */
    private Optional<Cut> cut(Product p, int columns, Size size) {
        int least = p.gated() ? 2 * GATED_OUTPUTS : p.w.format().bits16() ? 2 * size.rows : size.rows;
        return Stream.concat(preferred(p, columns), CUTS.stream()).filter(c -> c.warps / c.parts * size.rows >= least)
                .filter(c -> size.bytes(c, columns) <= kernels.sharedMemory()).findFirst();
    }

    /** As measured on an H200: the fewer outputs, the more warps share one, so that all multiprocessors are busy. */
    private Stream<Cut> preferred(Product p, int columns) {
        boolean large = (p.gated() ? 2 : 1) * p.w.outputs() > MOST * kernels.multiprocessors();
        if (p.w.format().dense()) {
            return Stream.of(columns <= MOST_SPLIT_INSIDE ? large ? new Cut(4, 2) : new Cut(8, 4) : large ? new Cut(4, 1) : new Cut(4, 2));
        }
        return Stream.of(switch (columns) {
            case COLUMNS -> large ? new Cut(4, 4) : new Cut(8, 8);
            case 2 * COLUMNS -> large ? new Cut(4, 2) : new Cut(8, 8);
            case 4 * COLUMNS -> large ? new Cut(8, 2) : new Cut(8, 4);
            default -> large ? new Cut(4, 1) : new Cut(8, 4);
        });
    }

    private RowsLaunch split(Product p) {
        String name = "split_few_" + p.w.format().suffix();
        return new RowsLaunch.Down(kernels.launch(arena, name, kernels.shape("split_few", 1)[0]).pointer("x", p.x.floats())
                .integer("ldx", p.x.pitch()).pointer("pieces", room.pieces()).integer("ld", ProductKernels.Room.pitch(p.w.cols()))
                .integer("piece", MOST * ProductKernels.Room.pitch(p.w.cols())).pointer("scale", room.scales()).integer("K", p.w.cols()).build());
    }

    private Launch.Builder pieces(Launch.Builder b, Product p) {
        int pitch = ProductKernels.Room.pitch(p.w.cols());
        return b.pointer("x", room.pieces()).integer("ld", pitch).integer("piece", MOST * pitch)
                .pointer("scale", room.scales());
    }

    private static Launch.Builder output(Launch.Builder b, Product p, Cut c) {
        return b.pointer("bias", p.bias).pointer("residual", p.residual.floats()).integer("ldr", p.residual.pitch())
                .pointer("y", p.y.floats()).integer("ldy", p.y.pitch()).pointer("yq", p.y.bytes()).pointer("ys", p.y.scales())
                .integer("N", p.w.outputs()).integer("K", p.w.cols()).integer("rows", 0).integer("parts", c.parts).integer("act", p.act);
    }
}
