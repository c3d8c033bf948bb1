package io.jllm.cuda.kernels;

import io.jllm.cuda.driver.Launch;
import io.jllm.cuda.driver.TensorMap;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.Optional;

/**
 * Launches {@code product/few_wgmma.cu}, a matrix of f16 by up to 64 rows on Hopper's tensor cores, and {@link BlocksKernels} for matrices of blocks,
 * where those are faster than {@code few.cu} and {@code few_scaled.cu}.
 */
final class FewHopperKernels {
    private static final String FAMILY = "few_wgmma_";
    private static final int NUMBERS = 5;
    /** Blocks that a multiprocessor has room for. */
    private static final int AT_ONCE = 2;
    /** Most blocks that share the columns: clusters of more find no place. */
    private static final int MOST_SPLIT = 6;
    private static final int COLUMNS = 8;

    private final Kernels kernels;
    private final Arena arena;
    private final ProductKernels.Room room;
    private final BlocksKernels blocks;

    /** Launches whose memory the arena owns. */
    FewHopperKernels(Kernels kernels, Arena arena, ProductKernels.Room room) {
        this.kernels = kernels;
        this.arena = arena;
        this.room = room;
        blocks = new BlocksKernels(kernels, arena);
    }

    /**
     * A launch, and before it that which splits rows of x.
     *
     * @param most rows that it takes
     */
    private record Clusters(RowsLaunch split, Launch launch, Launch.IntArgument rows, int blocks, int most) implements RowsLaunch {
        @Override
        public void run(io.jllm.cuda.driver.Stream stream, int n) {
            if (n > most) {
                throw new IllegalArgumentException(n + " rows are more than " + most);
            }
            split.run(stream, n);
            rows.set(n);
            launch.run(stream, blocks, 1, 1);
        }

        @Override
        public String toString() {
            return split + ", " + launch;
        }
    }

    /**
     * The product by that many rows at most, if there is a kernel for it: of f16, blocks, and floats with scales.
     *
     * @param pieces numbers that rows of floats are split in
     */
    Optional<RowsLaunch> launch(FewKernels.Product p, int columns, int pieces) {
        DeviceFormat format = p.w().format();
        if (!format.dense()) {
            return columns < FewKernels.MOST ? Optional.empty() : blocks(p);
        }
        String name = FAMILY + format.suffix() + "_n" + columns / COLUMNS;
        if (format != DeviceFormat.F16 || kernels.find(name).isEmpty() || !TensorMap.known()) {
            return Optional.empty();
        }
        int[] shape = kernels.shape(name, NUMBERS); // threads, rows, columns of a step, rows of a box, bytes
        int cols = p.w().cols();
        int matrixRows = (p.gated() ? 2 : 1) * p.w().outputs();
        int tiles = Math.ceilDiv(matrixRows, shape[1]);
        int split = Math.clamp(AT_ONCE * kernels.multiprocessors() / tiles, 1, Math.min(MOST_SPLIT, Math.ceilDiv(cols, shape[2])));
        int pitch = ProductKernels.Room.pitch(cols);
        var x = new TensorMap.Matrix(TensorMap.Type.F16, room.pieces(), pieces * FewKernels.MOST, pitch, pitch);
        var w = new TensorMap.Matrix(TensorMap.Type.F16, p.w().address(), matrixRows, cols, TensorKernels.pitch(cols));
        Launch launch = kernels.launch(arena, name, shape[0], shape[4]).cluster(split).reads(format.bytes(matrixRows, cols))
                .map("x", TensorMap.of(arena, x, columns)).map("w", TensorMap.of(arena, w, shape[3])).integer("piece", FewKernels.MOST)
                .pointer("scale", room.scales()).pointer("bias", p.bias()).pointer("residual", p.residual().floats())
                .integer("ldr", p.residual().pitch()).pointer("y", p.y().floats()).integer("ldy", p.y().pitch()).pointer("yq", p.y().bytes())
                .pointer("ys", p.y().scales()).integer("N", p.w().outputs()).integer("K", cols).integer("rows", 0).integer("act", p.act()).build();
        return Optional.of(new Clusters(p.ready() ? RowsLaunch.NONE : split(p, pieces), launch, launch.integer("rows"), tiles * split, columns));
    }

    private Optional<RowsLaunch> blocks(FewKernels.Product p) {
        int cols = p.w().cols();
        BlocksKernels.Place place = room.place(cols);
        var result = new TensorKernels.Result(p.w().outputs(), p.bias(), p.residual(), p.y(), p.act(), Optional.empty());
        return blocks.multiply(p.w(), place, result, FewKernels.MOST)
                .map(product -> p.ready() ? product
                        : new RowsLaunch.InTurn(List.of(blocks.lay(p.x(), !p.w().format().floats(), cols, place), product)));
    }

    /** Rows of floats to one or two of 16 bits each. */
    RowsLaunch split(FewKernels.Product p, int pieces) {
        String name = "split_few_" + p.w().format().operand().orElseThrow().suffix();
        return new RowsLaunch.Down(kernels.launch(arena, name, kernels.shape("split_few", 2)[0])
                .pointer("x", p.x().floats()).integer("ldx", p.x().pitch()).pointer("pieces", room.pieces())
                .integer("ld", ProductKernels.Room.pitch(p.w().cols())).integer("piece", FewKernels.piece(p, pieces))
                .pointer("scale", room.scales()).integer("K", p.w().cols()).build());
    }
}
