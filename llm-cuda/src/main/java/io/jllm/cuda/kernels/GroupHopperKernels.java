package io.jllm.cuda.kernels;

import io.jllm.cuda.driver.Launch;
import io.jllm.cuda.driver.Stream;
import io.jllm.cuda.driver.TensorMap;
import java.lang.foreign.Arena;

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

    /** Gate and up with their activation, or down. */
    RowsLaunch product(GroupKernels.Mixture m, GroupKernels.Room room, TensorKernels.Operand x, boolean gated) {
        ProductKernels.Weights w = gated ? m.gate() : m.down();
        int[] shape = shape();
        TensorMap map = map(m, w);
        Launch.Builder b = kernels.launch(arena, name(w), shape[0], shape[3]).map("w", map).map("up", gated ? map(m, m.up()) : map)
                .pointer("x", x.address()).integer("ldx", x.pitch()).pointer("scale", x.usedScales());
        Launch launch = GroupKernels.output(GroupKernels.groups(b, m, room, !gated), m, room, x, gated).build();
        return new Persistent(launch, m, tile(), Math.ceilDiv(w.outputs(), gated ? shape[1] / 2 : shape[1]), kernels.multiprocessors());
    }

    private TensorMap map(GroupKernels.Mixture m, ProductKernels.Weights w) {
        var type = w.format() == DeviceFormat.F16 ? TensorMap.Type.F16 : TensorMap.Type.BF16;
        int rows = Math.multiplyExact(m.chosen().experts(), w.outputs());
        return TensorMap.of(arena, new TensorMap.Matrix(type, w.address(), rows, w.cols(), TensorKernels.pitch(w.cols())), BOX_ROWS);
    }
}
