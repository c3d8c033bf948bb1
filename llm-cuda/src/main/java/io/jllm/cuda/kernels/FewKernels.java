package io.jllm.cuda.kernels;

import io.jllm.cuda.driver.Launch;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Launches {@code product/few.cu}, {@code product/few_dense.cu}, {@code product/few_scaled.cu} and {@code product/few_split.cu}: a matrix by 2 to
 * {@link #MOST} rows on tensor cores.
 */
final class FewKernels {
    /** Most rows. */
    static final int MOST = ProductKernels.MOST_FEW;
    /** Rows that a tensor core multiplies together. */
    private static final int COLUMNS = 8;
    private static final int TILE = 16;
    /** Kernels of a format: for 8, 16, 32 and 64 rows. */
    private static final int SIZES = 4;
    private static final int FIRST_OF_BLOCKS = DeviceFormat.Q4_0.ordinal();
    private static final int DENSE_NUMBERS = 4;
    private static final int SCALED_NUMBERS = 3;
    /** Outputs for each multiprocessor from which on blocks are many. */
    private static final int LARGE = 64;
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
     * @param ready whether rows are in pieces where {@link #pieces} says, or laid down where {@link ProductKernels#laid} says
     */
    record Product(ProductKernels.Weights w, Rows x, long bias, Rows residual, Rows y, int act, boolean ready) {
        boolean gated() {
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
    private final FewHopperKernels hopper;

    /** Launches whose memory the arena owns. */
    FewKernels(Kernels kernels, Arena arena, ProductKernels.Room room) {
        this.kernels = kernels;
        this.arena = arena;
        this.room = room;
        hopper = new FewHopperKernels(kernels, arena, room);
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
        int pieces = pieces(format, columns);
        return hopper.launch(p, columns, pieces).or(() -> launch(p, columns, pieces, format));
    }

    private Optional<RowsLaunch> launch(Product p, int columns, int pieces, DeviceFormat format) {
        Size size = format.dense() ? dense(columns, pieces) : format.scaled() ? scaled(columns, pieces) : blocks(format, columns);
        return cut(p, columns, size).map(c -> {
            Launch.Builder b = kernels.launch(arena, "few_" + format.suffix() + "_n" + columns / COLUMNS, Integer.SIZE * c.warps,
                    size.bytes(c, columns)).reads(format.bytes((p.gated() ? 2L : 1) * p.w.outputs(), p.w.cols()))
                    .pointer("W", p.w.address());
            Launch launch = output(pieces > 0 ? pieces(b, p, pieces) : ProductKernels.input(b, p.w, p.x), p, c).build();
            int outputs = size.rows * c.warps / c.parts / (p.gated() ? 2 : 1);
            return new Tiled(pieces > 0 && !p.ready ? Optional.of(hopper.split(p, pieces)) : Optional.empty(), launch, launch.integer("rows"),
                    Math.ceilDiv(p.w.outputs(), outputs), columns);
        });
    }

    /** Numbers in which rows are split; 0 if they stay as they are. */
    private int pieces(DeviceFormat format, int columns) {
        return format.bits16() || format.scaled()
                ? kernels.shape("few_pieces_" + format.operand().orElseThrow().suffix(), SIZES)[size(columns)] : 0;
    }

    /** Where a plain product by weights of 16 bits meets up to 8, 16, 32 and 64 rows in pieces; empty if it does not for one of these. */
    List<MixtureKernels.Split> pieces(ProductKernels.Weights w) {
        var all = new ArrayList<MixtureKernels.Split>();
        var p = new Product(w, Rows.NONE, 0, Rows.NONE, Rows.NONE, ProductKernels.NOT_GATED, true);
        for (int columns = COLUMNS; columns <= MOST; columns *= 2) {
            int pieces = pieces(w.format(), columns);
            if (!w.format().bits16() || cut(p, columns, dense(columns, pieces)).isEmpty()) {
                return List.of();
            }
            all.add(new MixtureKernels.Split(w.format(), room.pieces(), ProductKernels.Room.pitch(w.cols()), piece(p, pieces), room.scales()));
        }
        return List.copyOf(all);
    }

    /** 0 for 8 rows, 1 for 16, 2 for 32, 3 for 64. */
    private static int size(int columns) {
        return Integer.numberOfTrailingZeros(columns / COLUMNS);
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
        int rows = shape[size(columns)];
        return new Size(rows, rows / TILE * shape[SIZES + 1 + format.ordinal() - FIRST_OF_BLOCKS], columns / COLUMNS * shape[SIZES]);
    }

    private Size dense(int columns, int pieces) {
        int[] shape = kernels.shape("few_dense", DENSE_NUMBERS);
        return new Size(shape[0], shape[1], columns / COLUMNS * (pieces > 0 ? pieces * shape[3] : shape[2]));
    }

    private Size scaled(int columns, int pieces) {
        int[] shape = kernels.shape("few_scaled", SCALED_NUMBERS);
        return new Size(shape[0], shape[1], columns / COLUMNS * pieces * shape[2]);
    }

    /** The best cut of a block that has room. */
    private Optional<Cut> cut(Product p, int columns, Size size) {
        int least = p.gated() ? 2 * GATED_OUTPUTS : size.rows;
        return Stream.concat(preferred(p, columns).stream(), CUTS.stream()).filter(c -> c.warps / c.parts * size.rows >= least)
                .filter(c -> size.bytes(c, columns) <= kernels.sharedMemory()).findFirst();
    }

    /** As measured on an H200: where outputs are few, a block has few of them, whose columns more warps share, so that all multiprocessors work. */
    private List<Cut> preferred(Product p, int columns) {
        int each = (p.gated() ? 2 : 1) * p.w.outputs() / kernels.multiprocessors();
        boolean large = each > LARGE;
        boolean larger = each > 2 * LARGE;
        if (p.w.format().scaled()) {
            return List.of(switch (columns) {
                case COLUMNS -> larger ? new Cut(8, 4) : large ? new Cut(8, 2) : new Cut(8, 8);
                case 2 * COLUMNS -> larger ? new Cut(8, 4) : large ? new Cut(8, 2) : new Cut(4, 4);
                case 4 * COLUMNS -> larger ? new Cut(4, 1) : large ? new Cut(4, 2) : new Cut(4, 4);
                default -> larger ? new Cut(4, 1) : large ? new Cut(8, 2) : new Cut(4, 2);
            });
        }
        if (p.w.format().dense()) {
            boolean once = each <= kernels.shape("few_dense", DENSE_NUMBERS)[0]; // a block for each multiprocessor, which has room for one
            return switch (columns) {
                case COLUMNS -> List.of(large ? new Cut(4, 2) : once ? new Cut(8, 8) : new Cut(8, 4));
                case 2 * COLUMNS, 4 * COLUMNS -> List.of(large ? new Cut(8, 2) : new Cut(4, 4));
                default -> larger ? List.of(new Cut(8, 1)) : large ? List.of(new Cut(8, 2), new Cut(4, 1)) : List.of(new Cut(4, 4), new Cut(4, 2));
            };
        }
        return switch (columns) {
            case COLUMNS -> large ? List.of(new Cut(4, 4), new Cut(4, 2)) : List.of(new Cut(8, 8));
            case 2 * COLUMNS -> List.of(large ? new Cut(4, 2) : new Cut(8, 8));
            case 4 * COLUMNS -> List.of(large ? new Cut(8, 2) : new Cut(8, 4));
            default -> List.of(larger ? new Cut(4, 1) : new Cut(8, 4));
        };
    }

    private Launch.Builder pieces(Launch.Builder b, Product p, int pieces) {
        return b.pointer("x", room.pieces()).integer("ld", ProductKernels.Room.pitch(p.w.cols())).integer("piece", piece(p, pieces))
                .pointer("scale", room.scales());
    }

    /** Elements from a piece to the next; 0 if there is one. */
    static int piece(Product p, int pieces) {
        return pieces == 1 ? 0 : MOST * ProductKernels.Room.pitch(p.w.cols());
    }

    private static Launch.Builder output(Launch.Builder b, Product p, Cut c) {
        return b.pointer("bias", p.bias).pointer("residual", p.residual.floats()).integer("ldr", p.residual.pitch())
                .pointer("y", p.y.floats()).integer("ldy", p.y.pitch()).pointer("yq", p.y.bytes()).pointer("ys", p.y.scales())
                .integer("N", p.w.outputs()).integer("K", p.w.cols()).integer("rows", 0).integer("parts", c.parts).integer("act", p.act);
    }
}
