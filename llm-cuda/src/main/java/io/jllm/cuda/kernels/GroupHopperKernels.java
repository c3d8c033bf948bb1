package io.jllm.cuda.kernels;

import io.jllm.cuda.driver.Launch;
import io.jllm.cuda.driver.Stream;
import io.jllm.cuda.driver.TensorMap;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.Optional;

/** Launches {@code product/group_wgmma.cu}: many rows of 16 bits by the experts that they chose, on Hopper's tensor cores. */
final class GroupHopperKernels {
    private static final String FAMILY = "group_wgmma";
    /** Threads; rows of a matrix and pairs of a block; bytes of shared memory. */
    private static final int NUMBERS = 4;
    private static final int BOX_ROWS = 64;
    /** Activations that the kernels know: SiLU, and GELU by its tanh formula. */
    private static final int ACTIVATIONS = 2;

    private final Kernels kernels;
    private final Arena arena;

    /** Launches whose memory the arena owns. */
    GroupHopperKernels(Kernels kernels, Arena arena) {
        this.kernels = kernels;
        this.arena = arena;
    }

    /** Whether there are kernels for a mixture. */
    boolean takes(GroupKernels.Mixture m) {
        return m.act() < ACTIVATIONS && takes(m.gate()) && takes(m.down()) && TensorMap.known();
    }

    private boolean takes(ProductKernels.Weights w) {
        return w.format().bits16() && kernels.find(name(w)).isPresent();
    }

    private static String name(ProductKernels.Weights w) {
        return FAMILY + "_" + w.format().suffix();
    }

    private int[] shape() {
        return kernels.shape(FAMILY, NUMBERS);
    }

    /** Most pairs of a tile. */
    int tile() {
        return shape()[2];
    }

    /** Blocks that take unit after unit. */
    private record Persistent(Launch launch, GroupKernels.Mixture mixture, int tile, int across, int most) implements RowsLaunch {
        @Override
        public void run(Stream stream, int rows) {
            launch.run(stream, Math.min(Math.multiplyExact(across, GroupKernels.tiles(mixture, rows, tile)), most), 1, 1);
        }

        @Override
        public String toString() {
            return launch.toString();
        }
    }

    /**
     * Gate and up with their activation, and down. Between them rows are floats, or of 16 bits where those come in one piece and both products are of
     * one type.
     *
     * @param x what rows are
     * @param inner where rows of 16 bits for down may stand that were floats
     * @param narrow makes those
     */
    RowsLaunch products(GroupKernels.Mixture m, GroupKernels.Room room, TensorKernels.Operand x, TensorKernels.Operand inner, RowsLaunch narrow) {
        Optional<TensorKernels.Operand> direct = room.pieces() > 1 || m.gate().format() != m.down().format() ? Optional.empty()
                : new TensorKernels(kernels, arena).gatedOperand(m.down().format(), m.inner().floats(), inner.rows(), m.down().cols());
        RowsLaunch gated = product(m, room, x, true, direct);
        RowsLaunch down = product(m, room, direct.orElse(inner), false, Optional.empty());
        return new RowsLaunch.InTurn(direct.isPresent() ? List.of(gated, down) : List.of(gated, narrow, down));
    }

    private RowsLaunch product(GroupKernels.Mixture m, GroupKernels.Room room, TensorKernels.Operand x, boolean gated,
            Optional<TensorKernels.Operand> to) {
        ProductKernels.Weights w = gated ? m.gate() : m.down();
        int[] shape = shape();
        Launch.Builder b = kernels.launch(arena, name(w), shape[0], shape[3]).map("w", map(m, w)).map("up", map(m, gated ? m.up() : w))
                .pointer("x", x.address()).integer("ldx", x.pitch()).pointer("scale", x.usedScales()).real("unit", x.unit());
        GroupKernels.biases(GroupKernels.groups(b, m, room, !gated), m, gated)
                .pointer("y", gated ? m.inner().floats() : room.results()).pointer("narrow", to.map(TensorKernels.Operand::address).orElse(0L))
                .integer("ldn", to.map(TensorKernels.Operand::pitch).orElse(0)).real("shrink", 1 / to.map(TensorKernels.Operand::unit).orElse(1f));
        Launch launch = b.integer("N", w.outputs()).integer("K", w.cols()).integer("pieces", x.pieces())
                .integer("act", gated ? m.act() : GroupKernels.PLAIN).build();
        return new Persistent(launch, m, tile(), Math.ceilDiv(w.outputs(), gated ? shape[1] / 2 : shape[1]), kernels.multiprocessors());
    }

    private TensorMap map(GroupKernels.Mixture m, ProductKernels.Weights w) {
        var type = w.format() == DeviceFormat.F16 ? TensorMap.Type.F16 : TensorMap.Type.BF16;
        int rows = Math.multiplyExact(m.chosen().experts(), w.outputs());
        return TensorMap.of(arena, new TensorMap.Matrix(type, w.address(), rows, w.cols(), TensorKernels.pitch(w.cols())), BOX_ROWS);
    }
}
