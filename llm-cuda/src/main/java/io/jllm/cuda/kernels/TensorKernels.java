package io.jllm.cuda.kernels;

import io.jllm.cuda.driver.Launch;
import io.jllm.cuda.driver.Stream;
import io.jllm.cuda.driver.TensorMap;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;

/**
 * Launches {@code product/narrow.cu}, {@code product/wgmma.cu} and {@code product/mma.cu}: products by many rows on tensor cores, whose operands are
 * of 16 bits.
 */
public final class TensorKernels {
    /** Up to so many rows other kernels are faster. */
    public static final int MOST_FEWER = 64;
    private static final int WARP = 32;
    private static final int PITCH_ROUNDING = 8;
    private static final String NARROW = "narrow";
    private static final String EXPAND = "expand";
    private static final String MMA = "mma";

    /**
     * Rows of 16 bits, in one piece or in two side by side whose sum is the row: each piece has its columns rounded up, zeros there.
     *
     * @param type F16 or BF16
     * @param address of the first row; rows stand without gaps
     * @param scales a float for each row, which F16 is multiplied by
     * @param rows that there is room for
     * @param cols of the values
     * @param pieces 1 or 2
     * @param pitch values from row to row
     */
    public record Operand(DeviceFormat type, long address, long scales, int rows, int cols, int pieces, int pitch) {
        long usedScales() {
            return type == DeviceFormat.F16 ? scales : 0;
        }
    }

    /**
     * A matrix of 16 bits.
     *
     * @param type F16 or BF16
     * @param address where it starts
     * @param rows of the matrix
     * @param cols of the matrix
     */
    public record Matrix(DeviceFormat type, long address, int rows, int cols) {
        private int pitch() {
            return TensorKernels.pitch(cols);
        }

        private TensorMap map(Arena arena, int boxRows) {
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
     */
    public record Result(int outputs, long bias, Rows residual, Rows y, int act) {
        private static final int PLAIN = -1;

        /** Not gated. */
        public static Result plain(int outputs, long bias, Rows residual, Rows y) {
            return new Result(outputs, bias, residual, y, PLAIN);
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

    /** Launches whose memory the arena owns. */
    public TensorKernels(Kernels kernels, Arena arena) {
        this.kernels = kernels;
        this.arena = arena;
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

    /** Rows of floats to an operand: as many threads as hold a row. */
    public RowsLaunch narrow(Rows x, Operand to) {
        int[] shape = kernels.shape(NARROW, 3);
        int threads = Math.min(shape[0], Math.ceilDiv(to.cols, WARP * shape[1]) * WARP);
        return new RowsLaunch.Down(kernels.launch(arena, NARROW + "_" + to.type.suffix(), threads).pointer("x", x.floats())
                .integer("ldx", x.pitch()).pointer("y", to.address).integer("ldy", to.pitch).pointer("scale", to.usedScales())
                .integer("K", to.cols).integer("pieces", to.pieces).build());
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
        return kernels.find("wgmma_" + w.type.suffix() + "_wide").isPresent() && TensorMap.known() ? hopper(x, w, r) : tiles(x, w, r);
    }

    private static TensorMap.Type tensorType(DeviceFormat type) {
        return type == DeviceFormat.F16 ? TensorMap.Type.F16 : TensorMap.Type.BF16;
    }

    private static Launch.Builder result(Launch.Builder b, Operand x, Result r) {
        return b.pointer("scale", x.usedScales()).pointer("bias", r.bias).pointer("residual", r.residual.floats())
                .integer("ldr", r.residual.pitch()).pointer("y", r.y.floats()).integer("ldy", r.y.pitch()).integer("N", r.outputs)
                .integer("K", x.cols).integer("rows", 0).integer("pieces", x.pieces).integer("act", r.act);
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
            best.rows.set(n);
            best.launch.run(stream, Math.min(best.tiles(n), best.clusters) * best.cluster, 1, 1);
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
     * @param tileNanos how long a tile takes
     */
    private record Kind(Launch launch, Launch.IntArgument rows, int tileRows, int across, int cluster, int clusters, long tileNanos) {
        int tiles(int n) {
            return Math.multiplyExact(Math.ceilDiv(n, tileRows), across);
        }

        long nanos(int n) {
            return Math.ceilDiv(tiles(n), clusters) * tileNanos;
        }
    }

    private RowsLaunch hopper(Operand x, Matrix w, Result r) {
        var kinds = new ArrayList<Kind>();
        for (String name : kernels.text("wgmma_kinds").strip().split(" ")) {
            int[] shape = kernels.shape("wgmma_" + name, 8);
            int tileRows = shape[1];
            int columns = shape[2];
            int pair = shape[3];
            int split = shape[4];
            TensorMap a = TensorMap.of(arena, new TensorMap.Matrix(tensorType(x.type), x.address, x.rows, x.pitch, x.pitch), tileRows);
            Launch launch = result(kernels.launch(arena, "wgmma_" + w.type.suffix() + "_" + name, shape[0], shape[5]).map("a", a)
                    .map("b", w.map(arena, columns / 2)), x, r).build();
            long steps = Math.ceilDiv(x.pitch / TensorMap.BOX_COLUMNS, split);
            kinds.add(new Kind(launch, launch.integer("rows"), tileRows * pair, Math.ceilDiv(r.outputs, r.columns(columns)), pair * split,
                    kernels.multiprocessors() / (pair * split), steps * shape[6] + shape[7]));
        }
        return new Kinds(List.copyOf(kinds));
    }
}
