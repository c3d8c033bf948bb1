package io.jllm.cuda.kernels;

import io.jllm.cuda.driver.Launch;
import io.jllm.cuda.driver.Stream;
import io.jllm.cuda.kernels.RowsLaunch.UpTo;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Launches whole mixtures of experts where {@link MixtureKernels} do not: for one row by {@link VectorExpertKernels}; for more, pairs of a row and an
 * expert in groups by expert, which {@code rows/group.cu} makes, and products of a group, which read each expert once:
 * {@code product/group_dense.cu} and {@code product/group_blocks.cu} for some rows, {@code product/group_mma.cu} or {@link GroupHopperKernels} for
 * many.
 */
public final class GroupKernels {
    /** Outputs of a gated product that are quantised together. */
    public static final int GATED_OUTPUTS = 32;
    /** Most columns of gate and up: blocks keep a row of floats. */
    public static final int MOST_COLUMNS = 16_384;
    /** Rows of x that a tensor core multiplies together. */
    private static final int COLUMNS = 8;
    /** Rows up to which reading the experts of each is fastest, of plain weights and of blocks; as measured on an H200, like the next three. */
    private static final int DENSE_VECTORS = 3;
    private static final int VECTORS = 2;
    private static final int SCALED_VECTORS = 8; // of floats with scales: there are no tiles of few pairs
    /** Pairs of an expert, on average, up to which tiles of 8 pairs are faster than tiles of 16, */
    private static final int FEW_PAIRS = 6;
    /** up to which blocks are faster by bytes than by numbers of 16 bits, */
    private static final int BYTE_PAIRS = 36;
    /** and tiles of 64 faster than tiles of 128. */
    private static final int MANY_PAIRS = 64;
    static final int PLAIN = -1;
    private static final int GROUP_INTS = 4;

    /**
     * What a mixture computes: y = residual + the sum over chosen experts of weight (W (act(gate x) (up x)) + bias).
     *
     * @param chosen what rows chose; whether the weights multiply what experts give
     * @param gate outputs are one expert's
     * @param up of the same format and shape as gate
     * @param gateBias numbers for each expert; 0 for none
     * @param upBias of up, where gate has one
     * @param act as kernels number it
     * @param down outputs are one expert's
     * @param bias of down; 0 for none
     * @param x rows that experts get
     * @param inner what gate and up make, an expert's numbers behind the other's
     * @param residual what is added
     * @param y may be the residual
     * @param norm what y is normed by behind it, if it is
     */
    public record Mixture(ExpertKernels.Chosen chosen, ProductKernels.Weights gate, ProductKernels.Weights up, long gateBias, long upBias, int act,
                          ProductKernels.Weights down, long bias, Rows x, Rows inner, Rows residual, Rows y, Optional<SumKernels.Norm> norm) {
        int slots() {
            return chosen.slots();
        }

        private boolean dense() {
            return gate.format().dense();
        }

        boolean floats() {
            return gate.format().floats();
        }
    }

    /**
     * Memory of one mixture at a time.
     *
     * @param tiles groups of pairs
     * @param counts of pairs, behind one that is zero between launches
     * @param done counts of what has been done, zero between launches
     * @param order of pairs
     * @param operand rows of 16 bits
     * @param scales of those rows
     * @param results of down, before they are added
     * @param fewRows most rows for products of some rows
     * @param rows most rows of all
     * @param pieces of a row of 16 bits for products of many: 1 or 2
     */
    public record Room(long tiles, long counts, long done, long order, long operand, long scales, long results, int fewRows, int rows,
                       int pieces) {
    }

    private final Kernels kernels;
    private final Arena arena;
    private final TensorKernels tensors;
    private final GroupHopperKernels hopper;
    private final SumKernels sums;

    /** Launches whose memory the arena owns. */
    public GroupKernels(Kernels kernels, Arena arena) {
        this.kernels = kernels;
        this.arena = arena;
        tensors = new TensorKernels(kernels, arena);
        hopper = new GroupHopperKernels(kernels, arena);
        sums = new SumKernels(kernels, arena);
    }

    /** Bytes of what tells tiles of so many pairs. */
    public static long tileBytes(int experts, long pairs) {
        return (1 + Math.min(experts, pairs) + pairs / COLUMNS) * GROUP_INTS * Integer.BYTES;
    }

    /** Elements from row to row of an operand for some rows. */
    public static int fewPitch(int cols) {
        return ProductKernels.Room.pitch(cols);
    }

    /** Whether there are kernels that read each expert once for several rows; for plain floats there are none. */
    private static boolean groups(Mixture m) {
        return m.gate.format() != DeviceFormat.F32;
    }

    /** Tiles of pairs that there can be. */
    static int tiles(Mixture m, int rows, int tile) {
        int pairs = Math.multiplyExact(rows, m.slots());
        return Math.min(pairs, m.chosen.experts()) + pairs / tile;
    }

    /** A launch whose grid has a row of blocks for each tile. */
    private record Tiled(Launch launch, int blocks, Mixture mixture, int tile) implements RowsLaunch {
        @Override
        public void run(Stream stream, int rows) {
            launch.run(stream, blocks, tiles(mixture, rows, tile), 1);
        }

        @Override
        public String toString() {
            return launch.toString();
        }
    }

    /** Rows that give each expert so many pairs, on average. */
    private static int rows(Mixture m, int pairs) {
        return (int) ((long) pairs * m.chosen.experts() / m.slots());
    }

    /** For up to {@link Room#fewRows} rows: those that blocks meet are bytes, and what they make is too. */
    public RowsLaunch few(Mixture m, Room room) {
        RowsLaunch each = new VectorExpertKernels(kernels, arena).mixture(m);
        if (m.gate.format().scaled()) {
            return new UpTo(SCALED_VECTORS, each, tiles(m, room));
        }
        return groups(m) ? new UpTo(m.dense() ? DENSE_VECTORS : VECTORS, each, grouped(m, room)) : each;
    }

    private RowsLaunch grouped(Mixture m, Room room) {
        return new UpTo(rows(m, FEW_PAIRS), few(m, room, 1), few(m, room, 2));
    }

    /** For many rows, which are floats. */
    public RowsLaunch many(Mixture m, Room room) {
        if (!groups(m)) {
            return few(m, room);
        }
        if (m.floats()) {
            return tiles(m, room);
        }
        RowsLaunch bytes = new RowKernels(kernels, arena).quantize(m.x, m.gate.cols());
        return new UpTo(rows(m, BYTE_PAIRS), new RowsLaunch.InTurn(List.of(bytes, grouped(m, room))), tiles(m, room));
    }

    private RowsLaunch tiles(Mixture m, Room room) {
        return hopper.takes(m) ? hopper(m, room)
                : new UpTo(rows(m, MANY_PAIRS), many(m, room, 0), many(m, room, 1));
    }

    static Launch.Builder route(Launch.Builder b, Mixture m) {
        return b.pointer("route", m.chosen.route().floats()).integer("ldr", m.chosen.route().pitch()).integer("slots", m.slots())
                .integer("experts", m.chosen.experts());
    }

    static int weighted(Mixture m) {
        return m.chosen.weighted() ? 1 : 0;
    }

    static Launch.Builder output(Launch.Builder b, Rows residual, Rows y, int outputs) {
        return b.pointer("residual", residual.floats()).integer("ldres", residual.pitch()).pointer("y", y.floats()).integer("ldy", y.pitch())
                .integer("N", outputs);
    }

    private RowsLaunch pairs(Mixture m, Room room, int tile) {
        int threads = kernels.shape("group_pairs", 2)[0];
        Launch launch = route(kernels.launch(arena, "group_pairs", threads), m).integer("rows", 0).integer("tile", tile)
                .pointer("order", room.order).pointer("tiles", room.tiles).pointer("counts", room.counts).build();
        return new RowsLaunch.Told(launch, m.chosen.experts());
    }

    static Launch.Builder groups(Launch.Builder b, Mixture m, Room room, boolean spread) {
        return b.pointer("order", room.order).pointer("tiles", room.tiles).integer("slots", m.slots()).integer("spread", spread ? 1 : 0);
    }

    /** Tiles of {@code columns} times 8 pairs. */
    private RowsLaunch few(Mixture m, Room room, int columns) {
        int tile = columns * COLUMNS;
        var launches = new ArrayList<RowsLaunch>();
        if (m.dense()) {
            launches.add(split(m.gate, m.x, room, 1, room.fewRows));
        }
        launches.add(pairs(m, room, tile));
        launches.add(fewProduct(m, room, columns, true));
        if (m.dense()) {
            launches.add(split(m.down, Rows.ofFloats(m.inner.floats(), m.down.cols()), room, m.slots(), room.fewRows));
        }
        launches.add(fewProduct(m, room, columns, false));
        launches.add(sums.sum(m, room));
        return new RowsLaunch.InTurn(List.copyOf(launches));
    }

    /** Rows of 16 bits in two pieces; each row of the mixture has so many. */
    RowsLaunch split(ProductKernels.Weights w, Rows x, Room room, int each, int most) {
        int pitch = fewPitch(w.cols());
        Launch launch = kernels.launch(arena, "split_few_" + w.format().suffix(), kernels.shape("split_few", 2)[0]).pointer("x", x.floats())
                .integer("ldx", x.pitch()).pointer("pieces", room.operand).integer("ld", pitch).integer("piece", piece(pitch, each, most))
                .pointer("scale", room.scales).integer("K", w.cols()).build();
        return (stream, rows) -> launch.run(stream, rows * each, 1, 1);
    }

    static int piece(int pitch, int each, int most) {
        return Math.multiplyExact(pitch, Math.multiplyExact(each, most));
    }

    private RowsLaunch fewProduct(Mixture m, Room room, int columns, boolean gated) {
        ProductKernels.Weights w = gated ? m.gate : m.down;
        int[] shape = m.dense() ? kernels.shape("group_dense", 2) : kernels.constants("group_blocks_shape");
        int shared = m.dense() ? 0 : columns * shape[2] + shape[3 + w.format().ordinal() - DeviceFormat.Q4_0.ordinal()];
        Launch.Builder b = kernels.launch(arena, "group_" + w.format().suffix() + "_n" + columns, shape[0], shared).pointer("W", w.address())
                .pointer("up", gated ? m.up.address() : 0);
        if (m.dense()) {
            int pitch = fewPitch(w.cols());
            b.pointer("x", room.operand).integer("ld", pitch).integer("piece", piece(pitch, gated ? 1 : m.slots(), room.fewRows))
                    .pointer("scale", room.scales);
        } else {
            ProductKernels.input(b, w, gated ? m.x : m.inner);
        }
        groups(b, m, room, !gated);
        if (!m.dense()) {
            b.integer("experts", m.chosen.experts());
        }
        biases(b, m, gated).pointer("y", !gated ? room.results : m.dense() ? m.inner.floats() : 0);
        if (!m.dense()) {
            b.pointer("yq", gated ? m.inner.bytes() : 0).pointer("ys", gated ? m.inner.scales() : 0);
        }
        Launch launch = b.integer("N", w.outputs()).integer("K", w.cols()).integer("act", gated ? m.act : PLAIN).build();
        return new Tiled(launch, Math.ceilDiv(w.outputs(), gated ? shape[1] / 2 : shape[1]), m, columns * COLUMNS);
    }

    /** Tiles of 64 pairs, or of 128. */
    private RowsLaunch many(Mixture m, Room room, int size) {
        TensorKernels.Operand x = operand(m.gate, room, room.rows);
        TensorKernels.Operand inner = operand(m.down, room, room.rows * m.slots());
        return new RowsLaunch.InTurn(List.of(tensors.narrow(m.x, x), pairs(m, room, 64 << size), manyProduct(m, room, x, size, true),
                narrow(m, inner), manyProduct(m, room, inner, size, false), sums.sum(m, room)));
    }

    private RowsLaunch narrow(Mixture m, TensorKernels.Operand inner) {
        RowsLaunch narrow = tensors.narrow(Rows.ofFloats(m.inner.floats(), m.down.cols()), inner);
        return (stream, rows) -> narrow.run(stream, rows * m.slots());
    }

    private RowsLaunch hopper(Mixture m, Room room) {
        TensorKernels.Operand x = operand(m.gate, room, room.rows);
        TensorKernels.Operand inner = operand(m.down, room, room.rows * m.slots());
        return new RowsLaunch.InTurn(List.of(tensors.narrow(m.x, x), pairs(m, room, hopper.tile()),
                hopper.products(m, room, x, inner, narrow(m, inner)), sums.sum(m, room)));
    }

    private TensorKernels.Operand operand(ProductKernels.Weights w, Room room, int rows) {
        return new TensorKernels.Operand(w.format().operand().orElseThrow(), room.operand, room.scales, 1, rows, w.cols(), room.pieces,
                TensorKernels.pitch(kernels, w.cols(), room.pieces));
    }

    private RowsLaunch manyProduct(Mixture m, Room room, TensorKernels.Operand x, int size, boolean gated) {
        ProductKernels.Weights w = gated ? m.gate : m.down;
        int[] shape = kernels.shape("group_mma", 6);
        int tile = 64 << size;
        Launch.Builder b = kernels.launch(arena, "group_" + w.format().suffix() + "_r" + tile, shape[0], shape[2 + size + (m.dense() ? 0 : 2)])
                .pointer("W", w.address()).pointer("up", gated ? m.up.address() : 0).pointer("x", x.address()).integer("ldx", x.pitch())
                .pointer("scale", x.usedScales());
        Launch launch = biases(groups(b, m, room, !gated).integer("experts", m.chosen.experts()), m, gated)
                .pointer("y", gated ? m.inner.floats() : room.results).integer("N", w.outputs()).integer("K", w.cols())
                .integer("pieces", x.pieces()).integer("act", gated ? m.act : PLAIN).build();
        return new Tiled(launch, Math.ceilDiv(w.outputs(), gated ? shape[1] / 2 : shape[1]), m, tile);
    }

    static Launch.Builder biases(Launch.Builder b, Mixture m, boolean gated) {
        return b.pointer("bias", gated ? m.gateBias : m.bias).pointer("upBias", gated ? m.upBias : 0);
    }
}
