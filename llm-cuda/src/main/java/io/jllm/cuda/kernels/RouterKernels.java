package io.jllm.cuda.kernels;

import io.jllm.cuda.driver.Launch;
import io.jllm.cuda.driver.Stream;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;

/** Launches {@code product/router.cu}: a matrix of floats with few outputs, as those are that choose experts, by any number of rows. */
final class RouterKernels {
    private static final String FAMILY = "router_f32";
    /** Outputs up to which these kernels are faster than those for any matrix. */
    private static final int MOST_OUTPUTS = 512;
    /** What is said of a kernel of some rows: up to how many it is taken, rows and outputs of a block. */
    private static final int EACH = 3;
    /** What is said of tiles: threads, rows and outputs of a block, bytes of shared memory. */
    private static final int TILE_NUMBERS = 3;

    private final Kernels kernels;
    private final Arena arena;

    /** Launches whose memory the arena owns. */
    RouterKernels(Kernels kernels, Arena arena) {
        this.kernels = kernels;
        this.arena = arena;
    }

    /** Whether a matrix is one that these kernels are for. */
    static boolean takes(ProductKernels.Weights w) {
        return w.format() == DeviceFormat.F32 && w.outputs() <= MOST_OUTPUTS;
    }

    /** A kernel for up to so many rows. */
    private record Kind(int most, Launch launch, Launch.IntArgument rows, int across, int tile) {
        void run(Stream stream, int n) {
            rows.set(n);
            launch.run(stream, across, Math.ceilDiv(n, tile), 1);
        }
    }

    /** Kernels by the number of rows, those for the fewest first; the last takes any number. */
    private record Kinds(List<Kind> kinds) implements RowsLaunch {
        @Override
        public void run(Stream stream, int n) {
            kinds.stream().filter(k -> n <= k.most).findFirst().orElse(kinds.getLast()).run(stream, n);
        }

        @Override
        public String toString() {
            return kinds.stream().map(k -> k.launch.toString()).toList().toString();
        }
    }

    /** y = residual + bias + W x; y may be the residual. */
    RowsLaunch multiply(ProductKernels.Weights w, Rows x, long bias, Rows residual, Rows y) {
        int[] shape = kernels.constants(FAMILY + "_shape"); // threads, then each kernel's numbers
        var kinds = new ArrayList<Kind>();
        for (int i = 1; i < shape.length; i += EACH) {
            kinds.add(kind("_r" + shape[i], shape[0], 0, shape[i], shape[i + 1], shape[i + 2], w, x, bias, residual, y));
        }
        int[] tiles = kernels.shape(FAMILY + "_tiles", TILE_NUMBERS);
        if (tiles[2] <= kernels.sharedMemory()) {
            kinds.add(kind("_tiles", tiles[0], tiles[2], Integer.MAX_VALUE, tiles[1], tiles[1], w, x, bias, residual, y));
        }
        return new Kinds(List.copyOf(kinds));
    }

    private Kind kind(String name, int threads, int shared, int most, int rows, int outputs, ProductKernels.Weights w, Rows x, long bias,
            Rows residual, Rows y) {
        Launch launch = ProductKernels.product(kernels.launch(arena, FAMILY + name, threads, shared), w, x, bias, residual, y).build();
        return new Kind(most, launch, launch.integer("rows"), Math.ceilDiv(w.outputs(), outputs), rows);
    }
}
