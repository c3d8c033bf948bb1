package io.jllm.cuda.kernels;

import io.jllm.cuda.driver.Launch;
import io.jllm.cuda.driver.Stream;
import io.jllm.cuda.driver.TensorMap;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * Launches {@code product/narrow.cu}, {@code product/wgmma.cu} and {@code product/mma.cu}: products by many rows on tensor cores, whose operands are
 * of 16 bits.
 */
public final class TensorKernels {
    /** Up to so many rows other kernels are faster. */
    public static final int MOST_FEWER = 64;
    private static final int WARP = 32;
    private static final int PITCH_ROUNDING = 8;
    /** What gated results of F16 are divided by. */
    private static final float GATED_UNIT = 64;
    private static final String NARROW = "narrow";
    private static final String EXPAND = "expand";
    private static final String MMA = "mma";

    /**
     * Rows of 16 bits, in one piece or in two side by side whose sum is the row: each piece has its columns rounded up, zeros there.
     *
     * @param type F16 or BF16
     * @param address of the first row; rows stand without gaps
     * @param scales a float for each row, which F16 is multiplied by; 0 if all are alike
     * @param unit what F16 is multiplied by without those
     * @param rows that there is room for
     * @param cols of the values
     * @param pieces 1 or 2
     * @param pitch values from row to row
     */
    public record Operand(DeviceFormat type, long address, long scales, float unit, int rows, int cols, int pieces,
            int pitch) {
        public long usedScales() {
            return type == DeviceFormat.F16 ? scales : 0;
        }

        public TensorMap map(Arena arena, int boxRows) {
            return TensorMap.of(arena, new TensorMap.Matrix(tensorType(type), address, rows, pitch, pitch), boxRows);
        }
    }

    /**
     * A matrix of 16 bits.
     *
     * @param type F16 or BF16
     * @param address where it starts
     * @param rows of the matrix
     * @param cols of the matrix
     * @param expanded whether the launch before makes it: kernels that read weights before that has ended cannot have it
     */
    public record Matrix(DeviceFormat type, long address, int rows, int cols, boolean expanded) {
        private int pitch() {
            return TensorKernels.pitch(cols);
        }

        public TensorMap map(Arena arena, int boxRows) {
            return TensorMap.of(arena, new TensorMap.Matrix(tensorType(type), address, rows, cols, pitch()), boxRows);
        }
    }

    /**
     * What becomes of a product: of {@code outputs} a row, residual + bias + W x, or act(gate) up, for which the matrix has twice as many rows.
     *
     * @param outputs how many
     * @param bias address of theirs; 0 for none
     * @param residual what is added
     * @param y where they go; may be the residual
     * @param act 0 SiLU, 1 GELU by its tanh formula; -1: the product is not gated
     * @param narrow where those of a gated product go in 16 bits instead of y, if they do; without scales of rows, on Hopper alone
     */
    public record Result(int outputs, long bias, Rows residual, Rows y, int act, Optional<Operand> narrow) {
        private static final int PLAIN = -1;

        /** Not gated. */
        public static Result plain(int outputs, long bias, Rows residual, Rows y) {
            return new Result(outputs, bias, residual, y, PLAIN, Optional.empty());
        }

        /** Gated. */
        public static Result gated(int outputs, Rows y, int act) {
            return new Result(outputs, 0, Rows.NONE, y, act, Optional.empty());
        }

        /** Gated, in 16 bits. */
        public static Result gated(int outputs, Operand narrow, int act) {
            return new Result(outputs, 0, Rows.NONE, Rows.NONE, act, Optional.of(narrow));
        }

        boolean gated() {
            return act != PLAIN;
        }

        private int columns(int width) {
            return gated() ? width / 2 : width;
        }
    }

    private final Kernels kernels;
    private final Arena arena;
    private final PairKernels pairs;

    /** Launches whose memory the arena owns. */
    public TensorKernels(Kernels kernels, Arena arena) {
        this.kernels = kernels;
        this.arena = arena;
        pairs = new PairKernels(kernels, arena);
    }

    /** Values from row to row of a matrix of 16 bits. */
    static int pitch(int cols) {
        return Math.ceilDiv(cols, PITCH_ROUNDING) * PITCH_ROUNDING;
    }

    /** Values from row to row of an operand. */
    public static int pitch(Kernels kernels, int cols, int pieces) {
        int align = kernels.shape(NARROW, 3)[2];
        return Math.multiplyExact(Math.ceilDiv(cols, align) * align, pieces);
    }

    /** Rows of floats to an operand. */
    public RowsLaunch narrow(Rows x, Operand to) {
        return new RowsLaunch.Down(kernels.launch(arena, NARROW + "_" + to.type.suffix(), threads(to.cols)).pointer("x", x.floats())
                .integer("ldx", x.pitch()).pointer("y", to.address).integer("ldy", to.pitch).pointer("scale", to.usedScales())
                .integer("K", to.cols).integer("pieces", to.pieces).build());
    }

    /** Whether norms can leave rows of so many values as an operand. */
    public boolean norms(int width) {
        int[] shape = kernels.shape(NARROW, 3);
        return width <= shape[0] * shape[1];
    }

    /** RMS norm of rows of x to an operand of one piece. */
    public RowsLaunch rmsNorm(Rows x, long weight, float eps, Operand to) {
        return normed("rms_norm", to, b -> b.pointer("x", x.floats()).integer("ldx", x.pitch()).pointer("rowIndex", 0).pointer("w", weight)
                .real("eps", eps));
    }

    /** Layer norm of rows of x, with weights and biases or without (0), to an operand of one piece. */
    public RowsLaunch layerNorm(Rows x, long weight, long bias, float eps, Operand to) {
        return normed("layer_norm", to, b -> b.pointer("x", x.floats()).integer("ldx", x.pitch()).pointer("w", weight).pointer("b", bias)
                .real("eps", eps));
    }

    private RowsLaunch normed(String family, Operand to, UnaryOperator<Launch.Builder> from) {
        return new RowsLaunch.Down(from.apply(kernels.launch(arena, family + "_" + to.type.suffix(), threads(to.cols))).pointer("y", to.address)
                .integer("ldy", to.pitch).pointer("scale", to.usedScales()).integer("K", to.cols).build());
    }

    /** As many threads as hold a row. */
    private int threads(int cols) {
        int[] shape = kernels.shape(NARROW, 3);
        return Math.min(shape[0], Math.ceilDiv(cols, WARP * shape[1]) * WARP);
    }

    /** A matrix of blocks to one of 16 bits, whatever the number of rows that it will meet. */
    public RowsLaunch expand(ProductKernels.Weights w, Matrix to) {
        int threads = kernels.shape(EXPAND, 1)[0];
        Launch launch = kernels.launch(arena, EXPAND + "_" + w.format().suffix(), threads)
                .reads(w.format().bytes(to.rows, to.cols)).pointer("W", w.address()).integer("N", to.rows)
                .integer("K", to.cols).pointer("y", to.address).build();
        int blocks = Math.toIntExact(Math.ceilDiv((long) to.rows * (to.cols / 32), threads));
        return (stream, _) -> launch.run(stream, blocks, 1, 1);
    }

    /** The product of an operand and a matrix of the same type. */
    public RowsLaunch multiply(Operand x, Matrix w, Result r) {
        return isHopper() ? hopper(x, w, r) : tiles(x, w, r);
    }

    private boolean isHopper() {
        return kernels.find("wgmma_f16_wide").isPresent() && TensorMap.known();
    }

    /**
     * Where a gated product may leave so many results a row in 16 bits, if there are kernels for that. Those of F16 are divided by a constant, since
     * a tile of a row does not know the largest: up to 4,193,280 in magnitude they are what they are, off by a 2^11th of themselves or 2^-19.
     *
     * @param address of the first row, a multiple of 256
     * @param rows that there is room for
     */
    public Optional<Operand> gatedOperand(DeviceFormat type, long address, int rows, int cols) {
        return isHopper() ? Optional.of(new Operand(type, address, 0, type == DeviceFormat.F16 ? GATED_UNIT : 1, rows, cols, 1,
                pitch(kernels, cols, 1))) : Optional.empty();
    }

    private static TensorMap.Type tensorType(DeviceFormat type) {
        return type == DeviceFormat.F16 ? TensorMap.Type.F16 : TensorMap.Type.BF16;
    }

    private static Launch.Builder result(Launch.Builder b, Operand x, Result r) {
        return b.pointer("scale", x.usedScales()).pointer("bias", r.bias).pointer("residual", r.residual.floats())
                .integer("ldr", r.residual.pitch()).pointer("y", r.y.floats()).integer("ldy", r.y.pitch()).integer("N", r.outputs)
                .integer("K", x.cols).integer("rows", 0).integer("pieces", x.pieces).integer("act", r.act);
    }

    /** Gated results in 16 bits. */
    private static Launch.Builder narrow(Launch.Builder b, Operand x, Result r, Operand to) {
        return b.pointer("scale", x.usedScales()).real("unit", x.unit).pointer("y", to.address).integer("ldy", to.pitch)
                .real("shrink", 1 / to.unit).integer("N", r.outputs).integer("K", x.cols).integer("rows", 0).integer("act", r.act);
    }

    /** One tile a block. */
    private RowsLaunch tiles(Operand x, Matrix w, Result r) {
        int[] shape = kernels.shape(MMA, 3);
        int tile = shape[1];
        Launch launch = result(kernels.launch(arena, MMA + "_" + w.type.suffix(), shape[0], shape[2]).pointer("x", x.address).integer("ldx", x.pitch)
                .pointer("W", w.address).integer("ldw", w.pitch()), x, r).build();
        Launch.IntArgument rows = launch.integer("rows");
        int across = Math.ceilDiv(r.outputs, r.columns(tile));
        return (stream, n) -> {
            rows.set(n);
            launch.run(stream, Math.multiplyExact(across, Math.ceilDiv(n, tile)), 1, 1);
        };
    }

    /** Kinds of tiles, of which the one is launched that should take the least time. */
    private record Kinds(List<Kind> kinds) implements RowsLaunch {
        @Override
        public void run(Stream stream, int n) {
            Kind best = kinds.getFirst();
            for (Kind k : kinds) {
                best = k.nanos(n) < best.nanos(n) ? k : best;
            }
            best.run(stream, n);
        }

        @Override
        public String toString() {
            return kinds.getFirst().launch.toString();
        }
    }

    /**
     * A kind of tiles, each of which a cluster of blocks does.
     *
     * @param launch of its kernel
     * @param rows its argument
     * @param tileRows rows of a tile
     * @param across tiles side by side
     * @param cluster blocks of a cluster
     * @param clusters that run at once
     * @param halves whether tiles of the last round become two each, if all of these run at once
     * @param stepNanos how long all steps of a tile take
     * @param endNanos how long the rest of it takes
     */
    private record Kind(Launch launch, Launch.IntArgument rows, int tileRows, int across, int cluster, int clusters, boolean halves,
            long stepNanos, long endNanos) {
        int tiles(int n) {
            return Math.multiplyExact(Math.ceilDiv(n, tileRows), across);
        }

        long nanos(int n) {
            int last = tiles(n) % clusters;
            long part = last == 0 ? 0 : halved(last) ? stepNanos / 2 : stepNanos;
            return tiles(n) / clusters * (stepNanos + endNanos) + part + (last == 0 ? 0 : endNanos);
        }

        private boolean halved(int last) {
            return halves && 2 * last <= clusters;
        }

        void run(Stream stream, int n) {
            rows.set(n);
            int tiles = tiles(n);
            launch.run(stream, Math.min(halved(tiles) ? 2 * tiles : tiles, clusters) * cluster, 1, 1);
        }
    }

    private RowsLaunch hopper(Operand x, Matrix w, Result r) {
        var kinds = new ArrayList<Kind>();
        for (String name : kernels.text("wgmma_kinds").strip().split(" ")) {
            int[] shape = kernels.shape("wgmma_" + name, 10);
            int tileRows = shape[1];
            int columns = shape[2];
            int pair = shape[3];
            int split = shape[4];
            boolean halves = r.narrow.isPresent() && shape[7] == 1;
            Launch.Builder b = kernels.launch(arena, (r.narrow.isPresent() ? "wgmma_narrow_" : "wgmma_") + w.type.suffix() + "_" + name, shape[0],
                    shape[5]).map("a", x.map(arena, tileRows)).map("b", w.map(arena, r.narrow.isPresent() ? shape[6] : columns / 2));
            Launch launch = r.narrow.map(to -> narrow(b, x, r, to)).orElseGet(() -> result(b, x, r).real("unit", x.unit)).build();
            long steps = Math.ceilDiv(x.pitch / TensorMap.BOX_COLUMNS, split);
            kinds.add(new Kind(launch, launch.integer("rows"), tileRows * pair, Math.ceilDiv(r.outputs, r.columns(columns)), pair * split,
                    kernels.multiprocessors() / (pair * split), halves, steps * shape[8], shape[9]));
        }
        var tiles = new Kinds(List.copyOf(kinds));
        return w.expanded ? tiles : pairs.upTo(x, w, r, tiles);
    }
}
